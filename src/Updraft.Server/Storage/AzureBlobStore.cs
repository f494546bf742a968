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
/// Blobs as block blobs of a container of Azure Blob Storage. A blob is there when its upload has been acknowledged; a large one comes in
/// blocks, which are invisible until they are committed together and which the service forgets after a week when they are not.
/// </summary>
internal sealed class AzureBlobStore : IBlobStore, IDisposable
{
    private const int BlockSize = 8 * 1024 * 1024, BlocksAtOnce = 2, DeletesAtOnce = 16, MaxTries = 4;

    private static readonly TimeSpan DelegationLifetime = TimeSpan.FromHours(6);

    private readonly BlobServiceClient _service;
    private readonly BlobContainerClient _container;
    private readonly HttpClient _connections;
    private readonly AzureUrl _address;
    private readonly string _spool;
    private readonly TimeProvider _clock;
    private readonly WriteProbe _probe;
    private UserDelegationKey? _delegation;

    public AzureBlobStore(BlobStoreUrl address, IOptions<StorageOptions> storage, IOptions<ServerOptions> server, TimeProvider clock)
    {
        _address = (AzureUrl)address;
        _spool = server.Value.Folder(FreeSpace.SpoolFolder);
        _clock = clock;
        _probe = new WriteProbe(clock);
        _connections = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
            AllowAutoRedirect = false,
            UseCookies = false,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)
        {
            Transport = new HttpClientTransport(_connections),
            Retry = { MaxRetries = 3, Delay = TimeSpan.FromSeconds(0.3), MaxDelay = TimeSpan.FromSeconds(10) },
        };
        _service = string.IsNullOrEmpty(storage.Value.AzureConnectionString)
            ? new BlobServiceClient(_address.Service, new DefaultAzureCredential(), options)
            : new BlobServiceClient(storage.Value.AzureConnectionString, options);
        _container = _service.GetBlobContainerClient(_address.Container);
    }

    /// <summary>Checks a connection string against the address; the message repeats nothing of its secrets.</summary>
    /// <exception cref="FormatException">It is none, or is for another account.</exception>
    public static void CheckConnection(string connection, AzureUrl address)
    {
        string account;
        try
        {
            account = new BlobServiceClient(connection).AccountName;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException("Storage:AzureConnectionString cannot be read; copy it whole from the storage account's access keys.", exception);
        }
        if (account != address.Account)
            throw new FormatException($"Storage:AzureConnectionString is for the account '{account}', and Storage:Url names '{address.Account}'.");
    }

    public Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var blob = Blob(key);
        return Task.FromResult<IBlobWriter>(new SpooledBlob(_spool, (content, token) => UploadAsync(blob, content, token)));
    }

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        var blob = Blob(key);
        return RangedBlobStream.OpenAsync((start, count, tag, token) => ReadAsync(blob, start, count, tag, token), _clock, cancellationToken);
    }

    public async Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        var blob = Blob(key);
        try
        {
            return (await AskAsync(() => blob.GetPropertiesAsync(cancellationToken: cancellationToken), cancellationToken)).Value.ContentLength;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DeleteAsync(Blob(key), cancellationToken);

    public async Task DeleteAllAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = _container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _address.Prefix + BlobKey.CheckPrefix(prefix), cancellationToken);
        await AskAsync(async () =>
        {
            await foreach (var page in found.AsPages().WithCancellation(cancellationToken))
            {
                await Parallel.ForEachAsync(page.Values, new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken },
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
        var permit = new BlobSasBuilder(BlobSasPermissions.Read, end) { BlobContainerName = blob.BlobContainerName, BlobName = blob.Name, Resource = "b" };
        var signed = permit.ToSasQueryParameters(await DelegationAsync(end, cancellationToken), _service.AccountName);
        return new BlobUriBuilder(blob.Uri) { Sas = signed }.ToUri();
    }

    public Task CheckAsync(CancellationToken cancellationToken) => _probe.RunAsync(
        async () => await AskAsync(() => Blob(WriteProbe.Key).UploadAsync(BinaryData.FromString("updraft"), overwrite: true, cancellationToken), cancellationToken),
        async () => await AskAsync(() => Blob(WriteProbe.Key).GetPropertiesAsync(cancellationToken: cancellationToken), cancellationToken));

    public void Dispose() => _connections.Dispose();

    private BlobClient Blob(string key) => _container.GetBlobClient(_address.Prefix + BlobKey.Check(key));

    private static async Task UploadAsync(BlobClient blob, Stream content, CancellationToken cancellationToken)
    {
        var options = new BlobUploadOptions
        {
            TransferOptions = new StorageTransferOptions { InitialTransferSize = BlockSize, MaximumTransferSize = BlockSize, MaximumConcurrency = BlocksAtOnce },
        };
        for (var tries = 1; ; tries++)
        {
            try
            {
                content.Position = 0;
                await AskAsync(() => blob.UploadAsync(content, options, cancellationToken), cancellationToken);
                return;
            }
            catch (BlobStoreException exception) when (tries < MaxTries
                && exception.InnerException is RequestFailedException { ErrorCode: "InvalidBlockList" })
            {
                // Another writer of the same key has committed its blocks, and the service dropped ours with that.
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
            var part = (await AskAsync(() => blob.DownloadStreamingAsync(options, cancellationToken), cancellationToken)).Value;
            return new BlobRange(part.Content, ContentRange.TotalOf(part.Details.ContentRange) ?? part.Details.ContentLength, part.Details.ETag.ToString());
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status416RangeNotSatisfiable && start == 0)
        {
            return new BlobRange(Stream.Null, 0, "empty");
        }
    }

    private static Task<Response<bool>> DeleteAsync(BlobClient blob, CancellationToken cancellationToken) =>
        AskAsync(() => blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellationToken), cancellationToken);

    /// <summary>With roles instead of keys, addresses are signed by a key that the service lends for some hours.</summary>
    private async Task<UserDelegationKey> DelegationAsync(DateTimeOffset end, CancellationToken cancellationToken)
    {
        if (_delegation is { } known && known.SignedExpiresOn > end)
            return known;
        var lent = await AskAsync(() => _service.GetUserDelegationKeyAsync(startsOn: null, _clock.GetUtcNow() + DelegationLifetime, cancellationToken), cancellationToken);
        return _delegation = lent.Value;
    }

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
        RequestFailedException { ErrorCode: "ContainerNotFound" or "ContainerBeingDeleted" } => BlobStoreException.Missing("container", exception),
        RequestFailedException { Status: StatusCodes.Status404NotFound } => new FileNotFoundException("There is no such blob.", exception),
        RequestFailedException { Status: StatusCodes.Status412PreconditionFailed } => BlobStoreException.Replaced(exception),
        RequestFailedException { Status: StatusCodes.Status416RangeNotSatisfiable } => null,
        RequestFailedException { Status: StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden } azure =>
            BlobStoreException.Refused(azure.ErrorCode ?? $"status {azure.Status}", exception),
        RequestFailedException { Status: > 0 } azure => BlobStoreException.Failed(azure.ErrorCode ?? $"status {azure.Status}", exception),
        AuthenticationFailedException => BlobStoreException.Refused("no credentials", exception),
        RequestFailedException or AggregateException or HttpRequestException or TimeoutException or OperationCanceledException =>
            BlobStoreException.Unreachable(exception),
        IOException { HResult: not (28 or 5) } => BlobStoreException.Unreachable(exception),
        _ => null,
    };
}
