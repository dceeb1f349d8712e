// What the programs for npm packages share; as check.py does for Python.
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Writable } = require('stream');

// A stream that keeps what it is given.
exports.sink = () => {
    const pieces = [];
    const stream = new Writable({ write(piece, _, done) { pieces.push(piece); done(); } });
    stream.all = () => Buffer.concat(pieces);
    return stream;
};

// PROGRAM FOLDER PACKAGE HOST PORT: the folder holds node_modules.
exports.arguments = () => {
    const [folder, name, host, port] = process.argv.slice(2);
    const quiet = () => {};
    return {
        name,
        library: require(path.join(folder, 'node_modules', name)),
        required: other => require(path.join(folder, 'node_modules', other)),
        config: () => ({
            trackers: [{ host, port: Number(port) }], timeout: 5000, defaultExt: 'bin', charset: 'utf8',
            logger: { log: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
        }),
    };
};

// `call` (method, ...args) gives a promise; it makes a new client each time.
exports.Checks = class {
    constructor(name, call) {
        Object.assign(this, { name, tried: new Set(), count: 0, faults: 0 });
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fdfs-npm-'));
        this.call = (method, ...args) => { this.tried.add(method); return call(method, ...args); };
    }
    file(name, content) {
        const file = path.join(this.folder, name);
        fs.writeFileSync(file, content);
        return file;
    }
    equal(what, got, expected) {
        assert.deepStrictEqual(got, expected, `${this.name}, ${what}: ${JSON.stringify(got)} is not ${JSON.stringify(expected)}`.slice(0, 400));
        this.count += 1;
    }
    async fails(what, said, promise) {
        let error;
        try { await promise; } catch (thrown) { error = String(thrown); }
        this.equal(`${what}: '${said}' in '${error}'`, Boolean(error && error.includes(said)), true);
    }
    // A change reaches the other storage of the group a moment later, and any of the two may be asked: what it answers in the end.
    async becomes(what, expected, read) {
        const deadline = Date.now() + 20000;
        let got;
        for (;;) {
            try { got = String(await read()); } catch (error) { got = String(error); }
            if (got.includes(expected) || Date.now() > deadline) break;
            await new Promise(done => setTimeout(done, 50));
        }
        this.equal(`${what}: '${expected}' in '${got.slice(0, 100)}'`, got.includes(expected), true);
    }
    // A fault of the package, the same against the C reference.
    async broken(method, said, ...args) {
        await this.fails(`fault of ${method}`, said, this.call(method, ...args));
        this.faults += 1;
    }
    finish(prototype) {
        const missing = Object.keys(prototype).filter(name => !name.startsWith('_') && !this.tried.has(name));
        this.equal('not tried', missing, []);
        console.log(`${this.name}: ${this.count} checks, ${this.faults} faults of the package itself`);
        process.exit(0); // Some of them keep connections open.
    }
};

// What all packages can do: uploads of a file, a buffer and a stream, downloads, metadata, facts, deletes.
exports.common = async checks => {
    const content = Buffer.alloc(384000, Buffer.from([...Array(256).keys()]));
    const file = checks.file('picture.jpg', content);
    const download = async (id, options) => {
        const target = exports.sink();
        await checks.call('download', id, options ? { target, ...options } : target);
        return target.all();
    };
    const uploads = [
        [await checks.call('upload', file), content, /^group1\/M00\/.*\.jpg$/],
        [await checks.call('upload', Buffer.from('from a buffer'), { ext: 'txt' }), Buffer.from('from a buffer'), /\.txt$/],
        [await checks.call('upload', fs.createReadStream(file), { size: content.length, ext: 'png', group: 'group1' }), content, /\.png$/],
    ];
    for (const [id, expected, pattern] of uploads) {
        checks.equal(`an id: ${id}`, pattern.test(id), true);
        checks.equal('download to a stream', await download(id), expected);
        checks.equal('a range', await download(id, { offset: 5, bytes: 6 }), expected.subarray(5, 11));
        const local = checks.file('local', '');
        await checks.call('download', id, local);
        // Some call back when all has been handed to the file and not yet written.
        for (let tries = 0; fs.statSync(local).size < expected.length && tries < 500; tries++) await new Promise(done => setTimeout(done, 10));
        checks.equal('download to a file', fs.readFileSync(local), expected);
        const facts = await checks.call('getFileInfo', id);
        checks.equal('getFileInfo', [Number(facts.size), /^127\./.test(facts.addr)], [expected.length, true]);
        await checks.fails('metadata of a file without any', 'errno is: 2', checks.call('getMetaData', id));
        await checks.call('setMetaData', id, { width: '160', author: 'anna' });
        checks.equal('getMetaData', await checks.call('getMetaData', id), { author: 'anna', width: '160' });
        await checks.call('setMetaData', id, { width: '80', height: '40' }, 'M');
        checks.equal('merged metadata', await checks.call('getMetaData', id), { author: 'anna', height: '40', width: '80' });
        await checks.call('setMetaData', id, { height: '1' }, 'O');
        checks.equal('overwritten metadata', await checks.call('getMetaData', id), { height: '1' });
    }
    for (const [index, [id]] of uploads.entries()) {
        await checks.call(index ? 'del' : 'remove', id);
        await checks.fails('delete again', 'errno is: 2', checks.call('del', id));
        await checks.becomes('a file that is gone', 'errno is: 2', () => download(id));
    }
    return download;
};
