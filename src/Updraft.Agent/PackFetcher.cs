using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Updraft.Protocol;
using Updraft.Protocol.Cryptography;

namespace Updraft.Agent;

/// <summary>A file whose content the agent must download.</summary>
/// <param name="Entry">Manifest entry of the file.</param>
/// <param name="Location">Location of its content.</param>
/// <param name="Tree">Absolute path of the tree with the new file.</param>
internal sealed record WantedFile(ManifestEntry Entry, PackLocation Location, string Tree)
{
    /// <summary>Absolute path of the new file. It is computed, because 100,000 long paths would fill a small memory.</summary>
    public string Path => System.IO.Path.Join(Tree, Entry.Path);
}

/// <summary>
/// Downloads manifests as differences, and only the missing ranges of packs. It verifies contents while it writes them to files, so memory
/// use does not depend on their sizes. The server may redirect pack requests to an object store. If the store fails, the agent downloads
/// packs through the server for ten minutes.
/// </summary>
internal sealed class PackFetcher(HttpClient api, HttpClient packs, AgentOptions options, AgentLog log, TimeProvider clock)
{
    private const int MaxRequests = 4;

    /// <summary>Largest size of one file entry in a difference, and of all directory entries together, in bytes.</summary>
    private const int MaxEntryBytes = BundlePath.MaxBytes + 256, MaxDirectoryBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Number of bytes that must arrive within each <see cref="StallTimeout"/>, which is 1 KiB/s. A slower connection would delay a deploy
    /// without end.
    /// </summary>
    private const int MinBytes = 30 * 1024;

    private static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ManifestTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FallbackFor = TimeSpan.FromMinutes(10);
    private long _fetchedBytes;
    private long _fallbackSince;

    /// <summary>Number of bytes of response bodies so far, compressed as the server sent them.</summary>
    public long FetchedBytes => Interlocked.Read(ref _fetchedBytes);

    /// <summary>
    /// Downloads a manifest as the difference to one that is on disk, and verifies its digest.
    /// </summary>
    /// <param name="wanted">Digest of the manifest.</param>
    /// <param name="files">Number of files in the manifest, which limits the size of the response.</param>
    /// <param name="from">Manifest on disk; null for none.</param>
    /// <param name="cancellationToken">Aborts the download.</param>
    /// <exception cref="InvalidDataException">The response results in another manifest, or it is too long.</exception>
    /// <exception cref="TimeoutException">The download took more than two minutes.</exception>
    public async Task<(Manifest Manifest, IReadOnlyDictionary<Digest, PackLocation> Locations)> FetchManifestAsync(
        Digest wanted, int files, Manifest? from, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ManifestTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var path = AgentRoutes.Manifests + wanted + (from is null ? "" : "?from=" + from.Digest);
        using var request = ServerRequest.Create(HttpMethod.Get, path, options);
        var maxBytes = (int)Math.Min(int.MaxValue / 2, MaxDirectoryBytes + ((long)files + (from?.FileCount ?? 0)) * MaxEntryBytes);
        var parser = new ManifestDiffParser();
        try
        {
            using var response = await api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            Interlocked.Add(ref _fetchedBytes, await ServerRequest.ReadAsync(response, maxBytes, parser.Add, either.Token));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The download of manifest {wanted} took more than {ManifestTimeout.TotalSeconds:0} s.", exception);
        }
        var diff = parser.Complete();
        if (diff.To != wanted)
            throw new InvalidDataException($"The server sent manifest {diff.To} instead of {wanted}.");
        return (diff.ApplyTo(diff.From is null ? null : from), diff.Locations);
    }

    /// <summary>Downloads files from their packs. After an exception, some files may be missing or invalid.</summary>
    /// <exception cref="InvalidDataException">A content does not have its digest, or a response has the wrong range.</exception>
    /// <exception cref="TimeoutException">A download was too slow.</exception>
    public async Task FetchFilesAsync(IEnumerable<WantedFile> files, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxRequests, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(PackRange.Plan(files), parallel, async (range, token) => await FetchRangeAsync(range, token));
    }

    private async Task FetchRangeAsync(PackRange range, CancellationToken cancellationToken)
    {
        var fallbackSince = Interlocked.Read(ref _fallbackSince);
        var path = AgentRoutes.Packs + Uri.EscapeDataString(range.PackId);
        // An object store is usually reached by https, which .NET cannot do without OpenSSL.
        var isDirect = PortableCryptography.IsEnabled || fallbackSince != 0 && clock.GetElapsedTime(fallbackSince) < FallbackFor;
        using var request = CreateRequest(range, isDirect ? path + "?direct=true" : path);
        try
        {
            await FetchRangeAsync(range, request, cancellationToken);
        }
        catch (Exception exception) when (IsStoreFailure(request, exception) && !cancellationToken.IsCancellationRequested)
        {
            Interlocked.Exchange(ref _fallbackSince, clock.GetTimestamp());
            log.Warning("pack_store_fallback",
                ("host", request.RequestUri!.Authority), ("reason", ErrorReason.Of(exception)), ("for", FallbackFor));
            foreach (var file in range.Files)
                File.Delete(file.Path);
            using var retry = CreateRequest(range, path + "?direct=true");
            await FetchRangeAsync(range, retry, cancellationToken);
        }
    }

    private HttpRequestMessage CreateRequest(PackRange range, string path)
    {
        var request = ServerRequest.Create(HttpMethod.Get, path, options);
        request.Headers.Range = new RangeHeaderValue(range.Start, range.End - 1);
        return request;
    }

    /// <summary>Whether the object store failed, and not the server. A redirect changes the URL of the request.</summary>
    private bool IsStoreFailure(HttpRequestMessage request, Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest } => true,
        HttpRequestException or HttpIOException or IOException { InnerException: SocketException } or InvalidDataException
            or TimeoutException => request.RequestUri!.Authority != options.Server.Authority,
        _ => false,
    };

    private async Task FetchRangeAsync(PackRange range, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var stall = new CancellationTokenSource(StallTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        try
        {
            using var response = await packs.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await ServerRequest.EnsureAsync(response, HttpStatusCode.PartialContent, either.Token);
            if (response.Content.Headers.ContentRange is not { Unit: "bytes" } sent || sent.From != range.Start || sent.To != range.End - 1)
                throw new InvalidDataException($"The agent requested the bytes {range.Start}-{range.End - 1} of pack {range.PackId}, "
                    + $"but the response has the range '{response.Content.Headers.ContentRange?.ToString() ?? "none"}'.");
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            // Decompression is synchronous. A dedicated thread waits for the connection, so that it does not block the thread pool.
            await Task.Factory.StartNew(() => Write(range, body, stall, either.Token), either.Token,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The download of pack {range.PackId} was too slow: less than {MinBytes} bytes in "
                + $"{StallTimeout.TotalSeconds:0} s.", exception);
        }
    }

    private void Write(PackRange range, Stream body, CancellationTokenSource stall, CancellationToken cancellationToken)
    {
        var since = 0;
        using var bytes = new RangeReader(body, range.Start, onRead: read =>
        {
            Interlocked.Add(ref _fetchedBytes, read);
            since += read;
            if (since < MinBytes)
                return;
            since = 0;
            stall.CancelAfter(StallTimeout);
        }, cancellationToken);
        using var contents = new ContentReader();
        foreach (var file in range.Files)
        {
            bytes.SkipTo(file.Location.Offset);
            using var frame = bytes.Take(file.Location.Length);
            using var output = TreeFiles.Create(file.Path, file.Entry.IsExecutable);
            contents.CopyVerified(frame, file.Location.Length, file.Entry.Size, file.Entry.Content, output);
            Writeback.Start(output.SafeFileHandle);
            if (bytes.Position != file.Location.Offset + file.Location.Length)
                throw new InvalidDataException($"The frame of content {file.Entry.Content} is shorter than its location in the pack says.");
        }
    }
}
