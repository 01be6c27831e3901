// The objects of ServiceNow that the scripts of docs/integrations/servicenow.md use, as far as they use them. Reads
// {script, request, record, incidents, secret, answer} as JSON, runs the script, writes what it did as JSON.
const { createHmac } = require("node:crypto");
const { readFileSync } = require("node:fs");
const vm = require("node:vm");

const given = JSON.parse(readFileSync(0, "utf8"));
const done = { status: null, incidents: given.incidents || [], sent: null, updated: false };

class StandardCredentialsProvider {
    getCredentialByID() {
        return { getAttribute: (name) => (name === "password" ? given.secret : null) };
    }
}

class CertificateEncryption {
    generateMac(key, algorithm, data) {
        if (algorithm !== "HmacSHA256") {
            throw new Error(`unknown algorithm ${algorithm}`);
        }
        return createHmac("sha256", Buffer.from(key, "base64")).update(data, "utf8").digest("base64");
    }
}

class GlideRecord {
    constructor(table) {
        this.table = table;
    }

    addQuery(name, value) {
        this.wanted = [name, value];
    }

    query() {
        this.found = done.incidents.filter((row) => row[this.wanted[0]] === this.wanted[1]);
    }

    next() {
        this.row = this.found.shift();
        return this.row !== undefined;
    }

    initialize() {
        this.row = {};
    }

    setValue(name, value) {
        this.row[name] = value;
    }

    insert() {
        done.incidents.push(this.row);
    }

    update() {}
}

class RESTMessageV2 {
    constructor() {
        this.sent = { headers: {} };
    }

    setEndpoint(url) {
        this.sent.url = url;
    }

    setHttpMethod(method) {
        this.sent.method = method;
    }

    setHttpTimeout(ms) {
        this.sent.timeout = ms;
    }

    setRequestHeader(name, value) {
        this.sent.headers[name] = value;
    }

    setRequestBody(text) {
        this.sent.body = text;
    }

    execute() {
        done.sent = this.sent;
        if (!given.answer) {
            throw new Error("time out");
        }
        return { getStatusCode: () => given.answer.status, getBody: () => JSON.stringify(given.answer.body) };
    }
}

const current = {
    getValue: (name) => given.record[name],
    getUniqueValue: () => given.record.sys_id,
    setValue: (name, value) => {
        given.record[name] = value;
    },
    setWorkflow: () => {},
    update: () => {
        done.updated = true;
    },
};
const asked = given.request || { headers: {}, body: "" };
vm.runInNewContext(given.script, {
    sn_cc: { StandardCredentialsProvider },
    sn_ws: { RESTMessageV2 },
    CertificateEncryption,
    GlideRecord,
    request: { getHeader: (name) => asked.headers[name], body: { dataString: asked.body } },
    response: {
        setStatus: (status) => {
            done.status = status;
        },
    },
    current,
    previous: null,
});
console.log(JSON.stringify({ ...done, note: given.record && given.record.work_notes }));
