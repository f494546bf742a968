using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Blobs as objects of a bucket, of Amazon S3 or any store with its API. An object is there when its upload has been acknowledged; a
/// large one comes in parts, which are taken back when one of them fails. Versions that a bucket keeps are never looked at.
/// </summary>
internal sealed class S3BlobStore : IBlobStore, IDisposable
{
    private const long PartSize = 16 * 1024 * 1024;
    private const int DeletesAtOnce = 16;
    private const string ContentType = "application/octet-stream";

    private readonly AmazonS3Client _client;
    private readonly S3Url _address;
    private readonly string _spool;
    private readonly TimeProvider _clock;
    private readonly WriteProbe _probe;

    public S3BlobStore(BlobStoreUrl address, IOptions<StorageOptions> storage, IOptions<ServerOptions> server, TimeProvider clock)
    {
        _address = (S3Url)address;
        _spool = server.Value.Folder(FreeSpace.SpoolFolder);
        _clock = clock;
        _probe = new WriteProbe(clock);
        _client = Connect(_address, storage.Value);
    }

    public Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var name = Name(key);
        return Task.FromResult<IBlobWriter>(new SpooledBlob(_spool, (content, token) => UploadAsync(name, content, token)));
    }

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        var name = Name(key);
        return RangedBlobStream.OpenAsync((start, count, tag, token) => ReadAsync(name, start, count, tag, token), _clock, cancellationToken);
    }

    public async Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        var request = new GetObjectMetadataRequest { BucketName = _address.Bucket, Key = Name(key) };
        try
        {
            return (await AskAsync(() => _client.GetObjectMetadataAsync(request, cancellationToken), cancellationToken)).ContentLength;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DeleteNameAsync(Name(key), cancellationToken);

    public async Task DeleteAllAsync(string prefix, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = _address.Prefix + BlobKey.CheckPrefix(prefix) };
        do
        {
            var page = await AskAsync(() => _client.ListObjectsV2Async(request, cancellationToken), cancellationToken);
            // One by one: not every store with the S3 API deletes many in one request.
            await Parallel.ForEachAsync(page.S3Objects ?? [], new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken },
                async (found, token) => await DeleteNameAsync(found.Key, token));
            request.ContinuationToken = page.IsTruncated is true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public async Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _address.Bucket,
            Key = Name(key),
            Verb = HttpVerb.GET,
            Protocol = _address.Endpoint?.Scheme == Uri.UriSchemeHttp ? Amazon.S3.Protocol.HTTP : Amazon.S3.Protocol.HTTPS,
            Expires = (_clock.GetUtcNow() + lifetime).UtcDateTime,
        };
        return new Uri(await AskAsync(() => _client.GetPreSignedURLAsync(request), cancellationToken));
    }

    public Task CheckAsync(CancellationToken cancellationToken) => _probe.RunAsync(
        async () => await AskAsync(() => _client.PutObjectAsync(
            new PutObjectRequest { BucketName = _address.Bucket, Key = Name(WriteProbe.Key), ContentBody = "updraft" }, cancellationToken), cancellationToken),
        async () => await AskAsync(() => _client.GetObjectMetadataAsync(
            new GetObjectMetadataRequest { BucketName = _address.Bucket, Key = Name(WriteProbe.Key) }, cancellationToken), cancellationToken));

    public void Dispose() => _client.Dispose();

    private static AmazonS3Client Connect(S3Url address, StorageOptions options)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = address.PathStyle,
            // Other stores than Amazon's do not know the checksums that the client adds of its own accord. Signatures cover the content.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 3,
            Timeout = TimeSpan.FromMinutes(2),
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        if (address.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri.TrimEnd('/');
            config.AuthenticationRegion = address.Region.Length > 0 ? address.Region : "us-east-1";
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(address.Region);
        }
        return string.IsNullOrEmpty(options.AccessKey)
            ? new AmazonS3Client(config)
            : new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }

    private string Name(string key) => _address.Prefix + BlobKey.Check(key);

    private async Task UploadAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        if (content.Length > PartSize)
        {
            await UploadPartsAsync(name, content, cancellationToken);
            return;
        }
        var request = new PutObjectRequest
        {
            BucketName = _address.Bucket,
            Key = name,
            InputStream = content,
            AutoCloseStream = false,
            ContentType = ContentType,
        };
        await AskAsync(() => _client.PutObjectAsync(request, cancellationToken), cancellationToken);
    }

    // Not the SDK's TransferUtility: when it is cancelled, the parts stay, and are paid for.
    private async Task UploadPartsAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        var begin = new InitiateMultipartUploadRequest { BucketName = _address.Bucket, Key = name, ContentType = ContentType };
        // Not cancelled: an upload whose id nobody knows could not be taken back.
        var upload = (await AskAsync(() => _client.InitiateMultipartUploadAsync(begin, CancellationToken.None), CancellationToken.None)).UploadId;
        try
        {
            var end = new CompleteMultipartUploadRequest { BucketName = _address.Bucket, Key = name, UploadId = upload, PartETags = [] };
            for (var number = 1; content.Position < content.Length; number++)
            {
                var part = new UploadPartRequest
                {
                    BucketName = _address.Bucket,
                    Key = name,
                    UploadId = upload,
                    PartNumber = number,
                    InputStream = content,
                    PartSize = Math.Min(PartSize, content.Length - content.Position),
                };
                var stop = content.Position + part.PartSize!.Value;
                var stored = await AskAsync(() => _client.UploadPartAsync(part, cancellationToken), cancellationToken);
                content.Position = stop;
                end.PartETags.Add(new PartETag(number, stored.ETag));
            }
            await AskAsync(() => _client.CompleteMultipartUploadAsync(end, cancellationToken), cancellationToken);
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
            await _client.AbortMultipartUploadAsync(_address.Bucket, name, upload, CancellationToken.None);
        }
        catch (Exception exception) when (Failure(exception) is not null)
        {
            // What made the upload fail is the better message; a lifecycle rule of the bucket removes the parts.
        }
    }

    private async Task<BlobRange> ReadAsync(string name, long start, int count, string? tag, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest
        {
            BucketName = _address.Bucket,
            Key = name,
            ByteRange = new ByteRange(start, start + count - 1),
            EtagToMatch = tag,
        };
        try
        {
            var response = await AskAsync(() => _client.GetObjectAsync(request, cancellationToken), cancellationToken);
            if (ContentRange.TotalOf(response.ContentRange) is { } total)
                return new BlobRange(response.ResponseStream, total, response.ETag);
            if (start == 0)
                return new BlobRange(response.ResponseStream, response.ContentLength, response.ETag);
            response.Dispose();
            throw new BlobStoreException("The server's blob store does not answer requests for ranges.");
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && start == 0)
        {
            return new BlobRange(Stream.Null, 0, "empty");
        }
    }

    private Task<DeleteObjectResponse> DeleteNameAsync(string name, CancellationToken cancellationToken) =>
        AskAsync(() => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _address.Bucket, Key = name }, cancellationToken), cancellationToken);

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await ask();
            StorageMetrics.Answered();
            return answer;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && Failure(exception) is not null)
        {
            StorageMetrics.Count(Failure(exception)!);
            throw Failure(exception)!;
        }
    }

    private static Exception? Failure(Exception exception) => exception switch
    {
        AmazonS3Exception { ErrorCode: "NoSuchBucket" } => BlobStoreException.Missing("bucket", exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } => new FileNotFoundException("There is no such blob.", exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed } => BlobStoreException.Replaced(exception),
        AmazonS3Exception { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable } => null,
        AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } s3 => BlobStoreException.Refused(s3.ErrorCode, exception),
        AmazonS3Exception { StatusCode: >= HttpStatusCode.OK } s3 => BlobStoreException.Failed(s3.ErrorCode ?? $"status {(int)s3.StatusCode}", exception),
        AmazonServiceException or HttpRequestException or TimeoutException or OperationCanceledException => BlobStoreException.Unreachable(exception),
        AmazonClientException => BlobStoreException.Refused("no credentials", exception),
        IOException { HResult: not (28 or 5) } => BlobStoreException.Unreachable(exception),
        _ => null,
    };
}
