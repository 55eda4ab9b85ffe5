'use strict';

const path = require('node:path');

const dayMs = 86_400_000;

exports.dueDate = (issued, days) => new Date(issued.getTime() + days * dayMs).toISOString().slice(0, 10);
exports.fileFor = (folder, date) => path.posix.join(folder, `${date}.txt`);
