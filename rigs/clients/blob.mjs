// Uploads with the Azure SDK for JavaScript, as its users call it. It prints a line for each step, and ends at the first violation.
//   node blob.mjs SDK-DIRECTORY UPDRAFT-URL DEPLOYS-PATH SMALL-ARCHIVE LARGE-ARCHIVE
// UPDRAFT_TOKEN has the token.
import { strict as assert } from 'node:assert';
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [sdk, server, path, small, large] = process.argv.slice(2);
const { AnonymousCredential, BlobServiceClient, BlockBlobClient } = createRequire(`${sdk}/`)('@azure/storage-blob');
const options = { retryOptions: { maxTries: 1, tryTimeoutInMs: 30000 } };
const clientOf = (url) => new BlockBlobClient(url, new AnonymousCredential(), options);
const archive = readFileSync(small);

async function api(suffix, body) {
  const response = await fetch(server + path + suffix, {
    method: 'POST',
    headers: { authorization: `Bearer ${process.env.UPDRAFT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${suffix}: ${text}`);
  return JSON.parse(text);
}

const create = () => api('', { type: 'DAG_ONLY', description: 'Azure SDK' });

// Finalizes with the version that the SDK read.
async function finalize(deploy, { versionId }) {
  const done = await api(`/${deploy.id}/finalize`, { dagTarballVersion: versionId });
  assert.deepEqual([done.status, done.dagTarballVersion], ['DEPLOYED', versionId]);
}

// A whole deploy, uploaded by a function.
async function deployWith(upload) {
  const deploy = await create();
  await finalize(deploy, await upload(deploy.dagsUploadUrl));
}

// Status and code of a call that must fail, as the SDK reads them.
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return `${error.statusCode} ${error.code}`;
  }
  return assert.fail('the call succeeded');
}

const steps = {
  'small archive in one request': () => deployWith((url) => clientOf(url).upload(archive, archive.length)),

  '80 MB in parallel blocks': () => deployWith((url) =>
    clientOf(url).uploadFile(large, { blockSize: 4 << 20, concurrency: 8, maxSingleShotSize: 1 << 20 })),

  '80 MB in one request': () => deployWith((url) => clientOf(url).uploadFile(large, { maxSingleShotSize: 200 << 20 })),

  'stream without a length': () => deployWith((url) => clientOf(url).uploadStream(createReadStream(large), 1 << 20, 4)),

  'URL of account, container and blob': () => deployWith((text) => {
    const url = new URL(text), [, container, ...blob] = url.pathname.split('/');
    const account = new BlobServiceClient(url.origin + url.search, new AnonymousCredential(), options);
    return account.getContainerClient(container).getBlockBlobClient(blob.join('/')).upload(archive, archive.length);
  }),

  // As the SDK for Java and azcopy write it. The SDK for JavaScript sends the path of a URL unchanged.
  'URL with encoded slashes': () => deployWith((text) => {
    const url = new URL(text), [, container, ...blob] = url.pathname.split('/');
    const client = clientOf(`${url.origin}/${container}/${encodeURIComponent(blob.join('/'))}${url.search}`);
    assert.match(client.url, /%2F/);
    return client.upload(archive, archive.length);
  }),

  async 'wrong signature'() {
    const url = new URL((await create()).dagsUploadUrl);
    url.searchParams.set('sig', url.searchParams.get('sig').split('').reverse().join(''));
    assert.equal(await failure(() => clientOf(url.href).upload(archive, archive.length)), '403 AuthenticationFailed');
  },

  async 'wrong MD5 of a block'() {
    const client = clientOf((await create()).dagsUploadUrl), id = Buffer.from('0'.repeat(48)).toString('base64');
    const wrong = { transactionalContentMD5: new Uint8Array(16) };
    assert.equal(await failure(() => client.stageBlock(id, archive, archive.length, wrong)), '400 Md5Mismatch');
  },

  // A server may ignore the condition, because each upload is a version of its own. If not, the SDK must read the code of the error.
  async 'conditional uploads'() {
    const deploy = await create(), client = clientOf(deploy.dagsUploadUrl);
    const first = await client.upload(archive, archive.length, { conditions: { ifNoneMatch: '*' } });
    for (const [conditions, code] of [[{ ifNoneMatch: '*' }, '409 BlobAlreadyExists'], [{ ifMatch: '"other"' }, '412 ConditionNotMet']]) {
      try {
        assert.notEqual((await client.upload(archive, archive.length, { conditions })).versionId, first.versionId);
      } catch (error) {
        if (error instanceof assert.AssertionError)
          throw error;
        assert.equal(`${error.statusCode} ${error.code}`, code);
      }
    }
    await finalize(deploy, first);
  },

  async 'upload after the finalize'() {
    const deploy = await create(), client = clientOf(deploy.dagsUploadUrl);
    await finalize(deploy, await client.upload(archive, archive.length));
    assert.equal(await failure(() => client.upload(archive, archive.length)), '403 AuthorizationFailure');
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    const start = Date.now();
    await step();
    console.log(`ok     Azure SDK: ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    console.error(`VIOLATION Azure SDK: ${name}: ${error.message}`);
    process.exit(1);
  }
}
