using Azure;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Stores blobs as block blobs of a container of Azure Blob Storage. A blob is visible once the service has acknowledged its upload. A
/// large blob is uploaded in blocks. They are invisible until they are committed together, and the service deletes uncommitted blocks
/// after a week.
/// </summary>
internal sealed class AzureBlobStore : IBlobStore, IDisposable
{
    private const int BlockSize = 8 * 1024 * 1024, ConcurrentBlocks = 2, ConcurrentDeletes = 16, MaxAttempts = 4;

    private static readonly TimeSpan DelegationKeyLifetime = TimeSpan.FromHours(6);

    private readonly BlobServiceClient _service;
    private readonly BlobContainerClient _container;
    private readonly HttpClient _http;
    private readonly AzureUrl _url;
    private readonly string _spoolDirectory;
    private readonly TimeProvider _clock;
    private readonly WriteProbe _probe;
    private UserDelegationKey? _delegationKey;

    public AzureBlobStore(BlobStoreUrl url, IOptions<StorageOptions> storage, IOptions<ServerOptions> server, TimeProvider clock)
    {
        _url = (AzureUrl)url;
        _spoolDirectory = server.Value.Folder(FreeSpace.SpoolDirectory);
        _clock = clock;
        _probe = new WriteProbe(clock);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
            AllowAutoRedirect = false,
            UseCookies = false,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)
        {
            Transport = new HttpClientTransport(_http),
            Retry = { MaxRetries = 3, Delay = TimeSpan.FromSeconds(0.3), MaxDelay = TimeSpan.FromSeconds(10) },
        };
        _service = string.IsNullOrEmpty(storage.Value.AzureConnectionString)
            ? new BlobServiceClient(_url.Service, new DefaultAzureCredential(), options)
            : new BlobServiceClient(storage.Value.AzureConnectionString, options);
        _container = _service.GetBlobContainerClient(_url.Container);
    }

    /// <summary>Checks that a connection string belongs to the account of the URL.</summary>
    /// <exception cref="FormatException">The string is malformed, or names another account. The message contains no secret.</exception>
    public static void CheckConnection(string connection, AzureUrl url)
    {
        string account;
        try
        {
            account = new BlobServiceClient(connection).AccountName;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException("Storage:AzureConnectionString is malformed. "
                + "Copy the whole connection string from the access keys of the storage account.", exception);
        }
        if (account != url.Account)
            throw new FormatException($"Storage:AzureConnectionString is for the account '{account}', "
                + $"but Storage:Url names '{url.Account}'. "
                + "Use the same account in both.");
    }

    public Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var blob = Blob(key);
        return Task.FromResult<IBlobWriter>(new SpooledBlob(_spoolDirectory, (content, token) => UploadAsync(blob, content, token)));
    }

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        var blob = Blob(key);
        return RangedBlobStream.OpenAsync((start, count, tag, token) => ReadAsync(blob, start, count, tag, token), _clock,
            cancellationToken);
    }

    public async Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        var blob = Blob(key);
        try
        {
            return (await CallAsync(() => blob.GetPropertiesAsync(cancellationToken: cancellationToken), cancellationToken))
                .Value.ContentLength;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DeleteAsync(Blob(key), cancellationToken);

    public async Task DeleteAllAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = _container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _url.Prefix + BlobKey.CheckPrefix(prefix),
            cancellationToken);
        await CallAsync(async () =>
        {
            await foreach (var page in found.AsPages().WithCancellation(cancellationToken))
            {
                await Parallel.ForEachAsync(page.Values,
                    new ParallelOptions { MaxDegreeOfParallelism = ConcurrentDeletes, CancellationToken = cancellationToken },
                    async (blob, token) => await DeleteAsync(_container.GetBlobClient(blob.Name), token));
            }
            return true;
        }, cancellationToken);
    }

    public async Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var blob = Blob(key);
        var end = _clock.GetUtcNow() + lifetime;
        if (blob.CanGenerateSasUri)
            return blob.GenerateSasUri(BlobSasPermissions.Read, end);
        if (_service.CanGenerateAccountSasUri)
            return null;
        var permission = new BlobSasBuilder(BlobSasPermissions.Read, end)
        {
            BlobContainerName = blob.BlobContainerName,
            BlobName = blob.Name,
            Resource = "b",
        };
        var signed = permission.ToSasQueryParameters(await GetDelegationKeyAsync(end, cancellationToken), _service.AccountName);
        return new BlobUriBuilder(blob.Uri) { Sas = signed }.ToUri();
    }

    public Task CheckAsync(CancellationToken cancellationToken) => _probe.RunAsync(
        async () => await CallAsync(() => Blob(WriteProbe.Key)
            .UploadAsync(BinaryData.FromString("updraft"), overwrite: true, cancellationToken), cancellationToken),
        async () => await CallAsync(() => Blob(WriteProbe.Key)
            .GetPropertiesAsync(cancellationToken: cancellationToken), cancellationToken));

    public void Dispose() => _http.Dispose();

    private BlobClient Blob(string key) => _container.GetBlobClient(_url.Prefix + BlobKey.Check(key));

    private static async Task UploadAsync(BlobClient blob, Stream content, CancellationToken cancellationToken)
    {
        var options = new BlobUploadOptions
        {
            TransferOptions = new StorageTransferOptions
            {
                InitialTransferSize = BlockSize,
                MaximumTransferSize = BlockSize,
                MaximumConcurrency = ConcurrentBlocks,
            },
        };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                content.Position = 0;
                await CallAsync(() => blob.UploadAsync(content, options, cancellationToken), cancellationToken);
                return;
            }
            catch (BlobStoreException exception) when (attempt < MaxAttempts
                && exception.InnerException is RequestFailedException { ErrorCode: "InvalidBlockList" })
            {
                // Another writer of the same key has committed its blocks. That commit deletes the blocks of this upload.
            }
        }
    }

    private static async Task<BlobRange> ReadAsync(BlobClient blob, long start, int count, string? tag, CancellationToken cancellationToken)
    {
        var options = new BlobDownloadOptions
        {
            Range = new HttpRange(start, count),
            Conditions = tag is null ? null : new BlobRequestConditions { IfMatch = new ETag(tag) },
        };
        try
        {
            var part = (await CallAsync(() => blob.DownloadStreamingAsync(options, cancellationToken), cancellationToken)).Value;
            return new BlobRange(part.Content, ContentRange.TotalOf(part.Details.ContentRange) ?? part.Details.ContentLength,
                part.Details.ETag.ToString());
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status416RangeNotSatisfiable && start == 0)
        {
            return new BlobRange(Stream.Null, 0, "empty");
        }
    }

    private static Task<Response<bool>> DeleteAsync(BlobClient blob, CancellationToken cancellationToken) =>
        CallAsync(() => blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellationToken),
            cancellationToken);

    /// <summary>
    /// The key that signs URLs when the server authenticates with a role instead of an account key. The service issues it for hours.
    /// </summary>
    private async Task<UserDelegationKey> GetDelegationKeyAsync(DateTimeOffset end, CancellationToken cancellationToken)
    {
        if (_delegationKey is { } cached && cached.SignedExpiresOn > end)
            return cached;
        var expiry = _clock.GetUtcNow() + DelegationKeyLifetime;
        var issued = await CallAsync(() => _service.GetUserDelegationKeyAsync(startsOn: null, expiry, cancellationToken),
            cancellationToken);
        return _delegationKey = issued.Value;
    }

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
        RequestFailedException { ErrorCode: "ContainerNotFound" or "ContainerBeingDeleted" } =>
            BlobStoreException.Missing("container", exception),
        RequestFailedException { Status: StatusCodes.Status404NotFound } =>
            new FileNotFoundException("The blob does not exist.", exception),
        RequestFailedException { Status: StatusCodes.Status412PreconditionFailed } => BlobStoreException.Replaced(exception),
        RequestFailedException { Status: StatusCodes.Status416RangeNotSatisfiable } => null,
        RequestFailedException { Status: StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden } azure =>
            BlobStoreException.Refused(azure.ErrorCode ?? $"status {azure.Status}", exception),
        RequestFailedException { Status: > 0 } azure => BlobStoreException.Failed(azure.ErrorCode ?? $"status {azure.Status}", exception),
        AuthenticationFailedException => BlobStoreException.Refused("no credentials", exception),
        RequestFailedException or AggregateException or HttpRequestException or TimeoutException or OperationCanceledException =>
            BlobStoreException.Unreachable(exception),
        // ENOSPC and EIO come from the spool file, not from the network.
        IOException { HResult: not (28 or 5) } => BlobStoreException.Unreachable(exception),
        _ => null,
    };
}
