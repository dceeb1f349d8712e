// fdfs-client (callbacks) and co-fdfs-client (the same for co) through their whole API. Without an extension an upload of a
// buffer throws inside of the package, outside of any promise: it is not called.
'use strict';
const { Checks, arguments: given, common } = require('./check.js');

const { name, library, required, config } = given();
const original = required('fdfs-client');

// Callbacks here, functions that take one there.
const call = (method, ...args) => new Promise((resolve, reject) => {
    const answer = (error, result) => error ? reject(error) : resolve(result);
    if (library === original) new library(config())[method](...args, answer);
    else library(config())[method](...args)(answer);
});

const checks = new Checks(name, call);
(async () => {
    await common(checks);
    checks.finish(original.prototype);
})().catch(error => { console.error(error); process.exit(1); });
