"""fdfs-tornado: it uploads, and that is its whole API. (Its way with a group sends a header without the group's name.)"""
import asyncio
import contextlib
import io

from check import Checks, arguments

package, host, port = arguments()
from fdfs_tornado.client import makeclient  # noqa: E402

checks = Checks(package, makeclient(host, port))


async def upload(client, content):
    with contextlib.redirect_stdout(io.StringIO()):
        return await client.upload(io.BytesIO(content), len(content), 'txt')


async def run():
    client = checks.make()
    checks.tried.add('upload')
    for content in (b'small', bytes(range(256)) * 1500):
        group, name = await upload(client, content)
        checks.equal('upload', (group, name[:4], name[-4:]), (b'group1', b'M00/', b'.txt'))

asyncio.run(run())
checks.finish()
