using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Updraft.Client;

/// <summary>One upload, in one request or in blocks, with the protocol of Azure Blob Storage.</summary>
internal sealed class ArchiveUpload(HttpClient http, UploadSettings settings, string uploadUrl, IProgress<long>? progress)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public async Task<string> RunAsync(Stream archive, CancellationToken cancellationToken)
    {
        if (archive.CanSeek && archive.Length - archive.Position <= settings.SingleRequestBytes)
        {
            var (start, length) = (archive.Position, archive.Length - archive.Position);
            return await SendAsync(uploadUrl, () =>
            {
                archive.Position = start;
                return new PartContent(archive, length, sent => progress?.Report(sent));
            }, isBlob: true, cancellationToken).ConfigureAwait(false) ?? throw NoVersion();
        }
        return await UploadBlocksAsync(archive, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> UploadBlocksAsync(Stream archive, CancellationToken cancellationToken)
    {
        var block = ArrayPool<byte>.Shared.Rent(settings.BlockBytes);
        try
        {
            var ids = new List<string>();
            long done = 0;
            while (true)
            {
                var count = await archive.ReadAtLeastAsync(block.AsMemory(0, settings.BlockBytes), settings.BlockBytes,
                    throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                if (count < settings.BlockBytes && ids.Count == 0)
                    // The archive fits into one block, and a block list would take two more requests.
                    return await SendAsync(uploadUrl, () => Part(block, count, 0), isBlob: true, cancellationToken).ConfigureAwait(false)
                        ?? throw NoVersion();
                if (count == 0)
                    break;
                var id = Convert.ToBase64String(Encoding.ASCII.GetBytes(ids.Count.ToString("d8", CultureInfo.InvariantCulture)));
                var before = done;
                await SendAsync($"{uploadUrl}&comp=block&blockid={Uri.EscapeDataString(id)}", () => Part(block, count, before),
                    isBlob: false, cancellationToken).ConfigureAwait(false);
                ids.Add(id);
                done += count;
            }
            var list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" + string.Concat(ids.Select(id => $"<Latest>{id}</Latest>"))
                + "</BlockList>";
            return await SendAsync($"{uploadUrl}&comp=blocklist", () => new StringContent(list, Encoding.UTF8, "application/xml"),
                isBlob: false, cancellationToken).ConfigureAwait(false) ?? throw NoVersion();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private PartContent Part(byte[] block, int count, long before) =>
        new(new MemoryStream(block, 0, count, writable: false), count, sent => progress?.Report(before + sent));

    /// <summary>Sends one request, and retries it after temporary failures.</summary>
    /// <returns>The version; null if the response has none.</returns>
    private async Task<string?> SendAsync(string url, Func<HttpContent> content, bool isBlob, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan? retryAfter;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = content() };
                if (isBlob)
                    request.Headers.Add("x-ms-blob-type", "BlockBlob");
                using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
                if (attempt >= settings.Retries || !IsTemporary(response.StatusCode))
                {
                    await ApiConnection.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
                    return response.Headers.TryGetValues("x-ms-version-id", out var versions) ? versions.Single() : null;
                }
                retryAfter = RetryAfter(response.Headers.RetryAfter);
            }
            catch (HttpRequestException) when (attempt < settings.Retries)
            {
                retryAfter = null;
            }
            await Task.Delay(retryAfter ?? Pause(attempt), settings.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsTemporary(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
        or HttpStatusCode.GatewayTimeout;

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date - settings.Clock.GetUtcNow() is var delta && delta > TimeSpan.Zero => delta,
        _ => null,
    };

    private TimeSpan Pause(int attempt)
    {
        var pause = settings.RetryDelay * Math.Pow(2, attempt);
        return pause < LongestPause ? pause : LongestPause;
    }

    private static InvalidDataException NoVersion() => new("The server accepted the archive but returned no version in 'x-ms-version-id'. "
        + "Use the upload URL of an Updraft server.");

    /// <summary>A part of a stream. The stream stays open, so that a retry can send the part again.</summary>
    private sealed class PartContent : HttpContent
    {
        private const int BufferBytes = 80 * 1024;
        private readonly Stream _source;
        private readonly long _length;
        private readonly Action<long> _report;

        public PartContent(Stream source, long length, Action<long> report)
        {
            (_source, _length, _report) = (source, length, report);
            Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            try
            {
                long sent = 0;
                while (sent < _length)
                {
                    var wanted = (int)Math.Min(buffer.Length, _length - sent);
                    var count = await _source.ReadAsync(buffer.AsMemory(0, wanted), cancellationToken).ConfigureAwait(false);
                    if (count == 0)
                        throw new EndOfStreamException("The archive became shorter during the upload. Upload the complete archive again.");
                    await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                    sent += count;
                    _report(sent);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _length;
            return true;
        }
    }
}
