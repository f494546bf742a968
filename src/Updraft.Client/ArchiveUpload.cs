using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Updraft.Client;

/// <summary>One upload, in one request or in blocks, as Azure Blob Storage takes them.</summary>
internal sealed class ArchiveUpload(HttpClient http, UploadSettings settings, string address, IProgress<long>? progress)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public async Task<string> RunAsync(Stream archive, CancellationToken cancellationToken)
    {
        if (archive.CanSeek && archive.Length - archive.Position <= settings.SingleRequestBytes)
        {
            var (start, length) = (archive.Position, archive.Length - archive.Position);
            return await SendAsync(address, () =>
            {
                archive.Position = start;
                return new PartContent(archive, length, sent => progress?.Report(sent));
            }, isBlob: true, cancellationToken).ConfigureAwait(false) ?? throw NoVersion();
        }
        return await InBlocksAsync(archive, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> InBlocksAsync(Stream archive, CancellationToken cancellationToken)
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
                    // All of it; a block list would be two more requests.
                    return await SendAsync(address, () => Part(block, count, 0), isBlob: true, cancellationToken).ConfigureAwait(false)
                        ?? throw NoVersion();
                if (count == 0)
                    break;
                var id = Convert.ToBase64String(Encoding.ASCII.GetBytes(ids.Count.ToString("d8", CultureInfo.InvariantCulture)));
                var before = done;
                await SendAsync($"{address}&comp=block&blockid={Uri.EscapeDataString(id)}", () => Part(block, count, before), isBlob: false,
                    cancellationToken).ConfigureAwait(false);
                ids.Add(id);
                done += count;
            }
            var list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" + string.Concat(ids.Select(id => $"<Latest>{id}</Latest>")) + "</BlockList>";
            return await SendAsync($"{address}&comp=blocklist", () => new StringContent(list, Encoding.UTF8, "application/xml"), isBlob: false,
                cancellationToken).ConfigureAwait(false) ?? throw NoVersion();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private PartContent Part(byte[] block, int count, long before) =>
        new(new MemoryStream(block, 0, count, writable: false), count, sent => progress?.Report(before + sent));

    /// <summary>Sends one request until it succeeds or there is no hope; returns the version, if the answer has one.</summary>
    private async Task<string?> SendAsync(string to, Func<HttpContent> content, bool isBlob, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan? wish;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, to) { Content = content() };
                if (isBlob)
                    request.Headers.Add("x-ms-blob-type", "BlockBlob");
                using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
                if (attempt >= settings.Retries || !MayPass(response.StatusCode))
                {
                    await ApiConnection.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
                    return response.Headers.TryGetValues("x-ms-version-id", out var versions) ? versions.Single() : null;
                }
                wish = Wish(response.Headers.RetryAfter);
            }
            catch (HttpRequestException) when (attempt < settings.Retries)
            {
                wish = null;
            }
            await Task.Delay(wish ?? Pause(attempt), settings.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool MayPass(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private TimeSpan? Wish(RetryConditionHeaderValue? retryAfter) => retryAfter switch
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

    private static InvalidDataException NoVersion() => new("The server took the archive and named no version; it is no Updraft server.");

    /// <summary>A piece of a stream that stays open afterwards, so that it can be sent again.</summary>
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
                        throw new EndOfStreamException("The archive became shorter while it was uploaded.");
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
