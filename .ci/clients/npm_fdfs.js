// fdfs and fastdfs-client (made from it) through their whole API. Their lists of groups and storages expect the lengths of
// FastDFS 5 and refuse those of today, against the C reference as well. To append and modify they ask the tracker for any
// storage of the group rather than for the file's own, which is right only in a group of one: group2 is.
'use strict';
const { Checks, arguments: given, common } = require('./check.js');

const { name, library, config } = given();
const checks = new Checks(name, (method, ...args) => new library(config())[method](...args));

(async () => {
    const download = await common(checks);
    const plain = await checks.call('upload', Buffer.from('no extension'), { group: 'group2' });
    checks.equal('the extension that the configuration names', plain.endsWith('.bin'), true);

    const id = await checks.call('upload', Buffer.from('0123456789'), { method: 'uploadAppender', ext: 'txt', group: 'group2' });
    await checks.call('upload', Buffer.from('ABC'), { method: 'append', fileId: id });
    checks.equal('append', String(await download(id)), '0123456789ABC');
    await checks.call('upload', Buffer.from('xy'), { method: 'modify', fileId: id, offset: 3 });
    checks.equal('modify', String(await download(id)), '012xy56789ABC');
    await checks.call('upload', checks.file('extra.txt', 'extra'), { method: 'append', fileId: id });
    checks.equal('append a file', String(await download(id)), '012xy56789ABCextra');
    await checks.fails('append to a file that cannot grow', 'errno is', checks.call('upload', Buffer.from('A'), { method: 'append', fileId: plain }));

    await checks.broken('listGroups', 'byte array length:226 is invalid');
    await checks.broken('listStorages', 'is invalid', 'group1');
    checks.finish(library.prototype);
})().catch(error => { console.error(error); process.exit(1); });
