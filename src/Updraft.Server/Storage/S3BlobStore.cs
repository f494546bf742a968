using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Stores blobs as objects of a bucket of Amazon S3, or of a store with the same API. An object is visible once the store has
/// acknowledged its upload. A large object is uploaded in parts, and aborted if one of them fails. Old versions in a bucket with
/// versioning are never read.
/// </summary>
internal sealed class S3BlobStore : IBlobStore, IDisposable
{
    private const long PartSize = 16 * 1024 * 1024;
    private const int ConcurrentDeletes = 16;
    private const string ContentType = "application/octet-stream";

    private readonly AmazonS3Client _client;
    private readonly S3Url _url;
    private readonly string _spoolDirectory;
    private readonly TimeProvider _clock;
    private readonly WriteProbe _probe;

    public S3BlobStore(BlobStoreUrl url, IOptions<StorageOptions> storage, IOptions<ServerOptions> server, TimeProvider clock)
    {
        _url = (S3Url)url;
        _spoolDirectory = server.Value.Folder(FreeSpace.SpoolDirectory);
        _clock = clock;
        _probe = new WriteProbe(clock);
        _client = Connect(_url, storage.Value);
    }

    public Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var name = Name(key);
        return Task.FromResult<IBlobWriter>(new SpooledBlob(_spoolDirectory, (content, token) => UploadAsync(name, content, token)));
    }

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        var name = Name(key);
        return RangedBlobStream.OpenAsync((start, count, tag, token) => ReadAsync(name, start, count, tag, token), _clock,
            cancellationToken);
    }

    public async Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        var request = new GetObjectMetadataRequest { BucketName = _url.Bucket, Key = Name(key) };
        try
        {
            return (await CallAsync(() => _client.GetObjectMetadataAsync(request, cancellationToken), cancellationToken)).ContentLength;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DeleteNameAsync(Name(key), cancellationToken);

    public async Task DeleteAllAsync(string prefix, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _url.Bucket, Prefix = _url.Prefix + BlobKey.CheckPrefix(prefix) };
        do
        {
            var page = await CallAsync(() => _client.ListObjectsV2Async(request, cancellationToken), cancellationToken);
            // One request per object: not every store with the S3 API supports deletion of many objects.
            await Parallel.ForEachAsync(page.S3Objects ?? [],
                new ParallelOptions { MaxDegreeOfParallelism = ConcurrentDeletes, CancellationToken = cancellationToken },
                async (found, token) => await DeleteNameAsync(found.Key, token));
            request.ContinuationToken = page.IsTruncated is true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public async Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _url.Bucket,
            Key = Name(key),
            Verb = HttpVerb.GET,
            Protocol = _url.Endpoint?.Scheme == Uri.UriSchemeHttp ? Amazon.S3.Protocol.HTTP : Amazon.S3.Protocol.HTTPS,
            Expires = (_clock.GetUtcNow() + lifetime).UtcDateTime,
        };
        return new Uri(await CallAsync(() => _client.GetPreSignedURLAsync(request), cancellationToken));
    }

    public Task CheckAsync(CancellationToken cancellationToken) => _probe.RunAsync(
        async () => await CallAsync(() => _client.PutObjectAsync(
            new PutObjectRequest { BucketName = _url.Bucket, Key = Name(WriteProbe.Key), ContentBody = "updraft" }, cancellationToken),
            cancellationToken),
        async () => await CallAsync(() => _client.GetObjectMetadataAsync(
            new GetObjectMetadataRequest { BucketName = _url.Bucket, Key = Name(WriteProbe.Key) }, cancellationToken), cancellationToken));

    public void Dispose() => _client.Dispose();

    private static AmazonS3Client Connect(S3Url url, StorageOptions options)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = url.PathStyle,
            // Stores of other vendors may reject the checksums that the SDK adds by default. Signatures cover the content.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 3,
            Timeout = TimeSpan.FromMinutes(2),
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        if (url.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri.TrimEnd('/');
            config.AuthenticationRegion = url.Region.Length > 0 ? url.Region : "us-east-1";
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(url.Region);
        }
        return string.IsNullOrEmpty(options.AccessKey)
            ? new AmazonS3Client(config)
            : new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }

    private string Name(string key) => _url.Prefix + BlobKey.Check(key);

    private async Task UploadAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        if (content.Length > PartSize)
        {
            await UploadPartsAsync(name, content, cancellationToken);
            return;
        }
        var request = new PutObjectRequest
        {
            BucketName = _url.Bucket,
            Key = name,
            InputStream = content,
            AutoCloseStream = false,
            ContentType = ContentType,
        };
        await CallAsync(() => _client.PutObjectAsync(request, cancellationToken), cancellationToken);
    }

    // Not the SDK's TransferUtility: it leaves the parts in the bucket after a cancellation, and the bucket's owner pays for them.
    private async Task UploadPartsAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        var begin = new InitiateMultipartUploadRequest { BucketName = _url.Bucket, Key = name, ContentType = ContentType };
        // Never canceled: without the id of the upload, its parts could not be deleted.
        var upload = (await CallAsync(() => _client.InitiateMultipartUploadAsync(begin, CancellationToken.None), CancellationToken.None))
            .UploadId;
        try
        {
            var end = new CompleteMultipartUploadRequest { BucketName = _url.Bucket, Key = name, UploadId = upload, PartETags = [] };
            for (var number = 1; content.Position < content.Length; number++)
            {
                var part = new UploadPartRequest
                {
                    BucketName = _url.Bucket,
                    Key = name,
                    UploadId = upload,
                    PartNumber = number,
                    InputStream = content,
                    PartSize = Math.Min(PartSize, content.Length - content.Position),
                };
                var stop = content.Position + part.PartSize!.Value;
                var stored = await CallAsync(() => _client.UploadPartAsync(part, cancellationToken), cancellationToken);
                content.Position = stop;
                end.PartETags.Add(new PartETag(number, stored.ETag));
            }
            await CallAsync(() => _client.CompleteMultipartUploadAsync(end, cancellationToken), cancellationToken);
        }
        catch
        {
            await AbortAsync(name, upload);
            throw;
        }
    }

    private async Task AbortAsync(string name, string upload)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(_url.Bucket, name, upload, CancellationToken.None);
        }
        catch (Exception exception) when (Convert(exception) is not null)
        {
            // The caller must get the exception that made the upload fail. A lifecycle rule of the bucket can delete the parts.
        }
    }

    private async Task<BlobRange> ReadAsync(string name, long start, int count, string? tag, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest
        {
            BucketName = _url.Bucket,
            Key = name,
            ByteRange = new ByteRange(start, start + count - 1),
            EtagToMatch = tag,
        };
        try
        {
            var response = await CallAsync(() => _client.GetObjectAsync(request, cancellationToken), cancellationToken);
            if (ContentRange.TotalOf(response.ContentRange) is { } total)
                return new BlobRange(response.ResponseStream, total, response.ETag);
            if (start == 0)
                return new BlobRange(response.ResponseStream, response.ContentLength, response.ETag);
            response.Dispose();
            throw new BlobStoreException("The blob store of the server does not support range requests. Use a store that does.");
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && start == 0)
        {
            return new BlobRange(Stream.Null, 0, "empty");
        }
    }

    private Task<DeleteObjectResponse> DeleteNameAsync(string name, CancellationToken cancellationToken) =>
        CallAsync(() => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _url.Bucket, Key = name }, cancellationToken),
            cancellationToken);

    /// <summary>Sends a request, counts its result, and converts exceptions of the SDK to those of <see cref="IBlobStore"/>.</summary>
    private static async Task<T> CallAsync<T>(Func<Task<T>> send, CancellationToken cancellationToken)
    {
        try
        {
            var response = await send();
            StorageMetrics.CountAnswered();
            return response;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && Convert(exception) is not null)
        {
            var failure = Convert(exception)!;
            StorageMetrics.CountFailure(failure);
            throw failure;
        }
    }

    // Null for exceptions that the callers handle, and for faults of the program.
    private static Exception? Convert(Exception exception) => exception switch
    {
        AmazonS3Exception { ErrorCode: "NoSuchBucket" } => BlobStoreException.Missing("bucket", exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } => new FileNotFoundException("The blob does not exist.", exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed } => BlobStoreException.Replaced(exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable } => null,
        AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } s3 =>
            BlobStoreException.Refused(s3.ErrorCode, exception),
        AmazonS3Exception { StatusCode: >= HttpStatusCode.OK } s3 =>
            BlobStoreException.Failed(s3.ErrorCode ?? $"status {(int)s3.StatusCode}", exception),
        AmazonServiceException or HttpRequestException or TimeoutException or OperationCanceledException =>
            BlobStoreException.Unreachable(exception),
        AmazonClientException => BlobStoreException.Refused("no credentials", exception),
        // ENOSPC and EIO come from the spool file, not from the network.
        IOException { HResult: not (28 or 5) } => BlobStoreException.Unreachable(exception),
        _ => null,
    };
}
