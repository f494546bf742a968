using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>A file to be made from a content that is not here.</summary>
/// <param name="Entry">What it holds.</param>
/// <param name="Location">Where the content stands.</param>
/// <param name="Path">Where the file goes.</param>
internal sealed record WantedFile(ManifestEntry Entry, PackLocation Location, string Path);

/// <summary>
/// Fetches manifests as differences, and of packs only the ranges that are missing. Contents go verified from the
/// connection into their files; memory does not depend on their sizes. The server may send the agent on to an object store for packs;
/// when that fails, the server is asked for the bytes themselves, and for a while nothing else.
/// </summary>
internal sealed class PackFetcher(HttpClient api, HttpClient packs, AgentOptions options, AgentLog log, TimeProvider clock)
{
    private const int MaxRequests = 4;

    /// <summary>What one manifest entry takes at most beside a path, and what folders may take in all.</summary>
    private const int MaxEntryBytes = BundlePath.MaxBytes + 256, MaxFolderBytes = 16 * 1024 * 1024;

    /// <summary>Within each such time so many bytes must come (1 KiB/s), or the rest of the range: one that drips would hold up a deploy for ever.</summary>
    private const int LeastBytes = 30 * 1024;

    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ManifestTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AvoidFor = TimeSpan.FromMinutes(10);
    private long _fetchedBytes;
    private long _avoidedSince;

    /// <summary>Bytes of bodies that were read so far, as they travelled.</summary>
    public long FetchedBytes => Interlocked.Read(ref _fetchedBytes);

    /// <summary>
    /// Asks for a manifest of so many files as the difference to one that is here (null for none), and checks that it
    /// leads where it must.
    /// </summary>
    /// <exception cref="InvalidDataException">The answer leads elsewhere, or is too long.</exception>
    public async Task<(Manifest Manifest, IReadOnlyDictionary<Digest, PackLocation> Locations)> FetchManifestAsync(
        Digest wanted, int files, Manifest? from, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ManifestTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var path = AgentRoutes.Manifests + wanted + (from is null ? "" : "?from=" + from.Digest);
        using var request = ServerRequest.Create(HttpMethod.Get, path, options);
        var most = (int)Math.Min(int.MaxValue / 2, MaxFolderBytes + ((long)files + (from?.FileCount ?? 0)) * MaxEntryBytes);
        byte[] bytes;
        try
        {
            using var response = await api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            bytes = await ServerRequest.ReadAsync(response, most, either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"Manifest {wanted} did not come within {ManifestTimeout.TotalSeconds:0} s.", exception);
        }
        Interlocked.Add(ref _fetchedBytes, bytes.Length);
        var diff = ManifestDiff.Parse(bytes);
        if (diff.To != wanted)
            throw new InvalidDataException($"The server sent manifest {diff.To} instead of {wanted}.");
        return (diff.ApplyTo(diff.From is null ? null : from), diff.Locations);
    }

    /// <summary>Makes files out of their packs. On an exception some of them may be missing or hold rubbish.</summary>
    /// <exception cref="InvalidDataException">A content is not what its digest says.</exception>
    public async Task FetchFilesAsync(IEnumerable<WantedFile> files, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxRequests, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(PackRange.Plan(files), parallel, async (range, token) => await FetchRangeAsync(range, token));
    }

    private async Task FetchRangeAsync(PackRange range, CancellationToken cancellationToken)
    {
        var avoided = Interlocked.Read(ref _avoidedSince);
        var path = AgentRoutes.Packs + Uri.EscapeDataString(range.PackId);
        var isDirect = avoided != 0 && clock.GetElapsedTime(avoided) < AvoidFor;
        using var request = CreateRequest(range, isDirect ? path + "?direct=true" : path);
        try
        {
            await FetchRangeAsync(range, request, cancellationToken);
        }
        catch (Exception exception) when (IsStoreFailure(request, exception) && !cancellationToken.IsCancellationRequested)
        {
            Interlocked.Exchange(ref _avoidedSince, clock.GetTimestamp());
            log.Warning("store-avoided", ("host", request.RequestUri!.Authority), ("reason", exception.Message), ("for", AvoidFor));
            foreach (var file in range.Files)
                File.Delete(file.Path);
            using var again = CreateRequest(range, path + "?direct=true");
            await FetchRangeAsync(range, again, cancellationToken);
        }
    }

    private HttpRequestMessage CreateRequest(PackRange range, string path)
    {
        var request = ServerRequest.Create(HttpMethod.Get, path, options);
        request.Headers.Range = new RangeHeaderValue(range.Start, range.End - 1);
        return request;
    }

    /// <summary>Whether something failed at the place that the server named rather than at the server. A redirect changes the request's address.</summary>
    private bool IsStoreFailure(HttpRequestMessage request, Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest } => true,
        HttpRequestException or HttpIOException or IOException { InnerException: SocketException } or InvalidDataException or TimeoutException =>
            request.RequestUri!.Authority != options.Server.Authority,
        _ => false,
    };

    private async Task FetchRangeAsync(PackRange range, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var stall = new CancellationTokenSource(Stall, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        try
        {
            using var response = await packs.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await ServerRequest.EnsureAsync(response, HttpStatusCode.PartialContent, either.Token);
            if (response.Content.Headers.ContentRange is not { Unit: "bytes" } sent || sent.From != range.Start || sent.To != range.End - 1)
                throw new InvalidDataException($"Asked for the bytes {range.Start}-{range.End - 1} of pack {range.PackId}, "
                    + $"the server sent {response.Content.Headers.ContentRange?.ToString() ?? "others"}.");
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            // Decompression is synchronous: a thread of its own waits for the connection, so that the pool is never used up.
            await Task.Factory.StartNew(() => Write(range, body, stall, either.Token), either.Token,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"Pack {range.PackId} came too slowly: less than {LeastBytes} bytes in {Stall.TotalSeconds:0} s.", exception);
        }
    }

    private void Write(PackRange range, Stream body, CancellationTokenSource stall, CancellationToken cancellationToken)
    {
        var since = 0;
        using var bytes = new RangeReader(body, range.Start, onRead: read =>
        {
            Interlocked.Add(ref _fetchedBytes, read);
            since += read;
            if (since < LeastBytes)
                return;
            since = 0;
            stall.CancelAfter(Stall);
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
                throw new InvalidDataException($"The frame of content {file.Entry.Content} is shorter than its place in the pack.");
        }
    }
}
