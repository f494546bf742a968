using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>The number of requests, and the handling of truncated and changed responses.</summary>
public sealed class RangedBlobStreamTests
{
    private readonly byte[] _blob = new byte[20 * 1024 * 1024];
    private readonly List<(long Start, int Count, string? Tag)> _requests = [];
    private Func<BlobRange, BlobRange> _alter = range => range;

    public RangedBlobStreamTests() => new Random(1).NextBytes(_blob);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sequential_small_reads_need_few_requests()
    {
        await using var stream = await OpenAsync();
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, 4096, Cancelled);

        Assert.True(copy.ToArray().AsSpan().SequenceEqual(_blob));
        Assert.Equal(7, _requests.Count);
    }

    [Fact]
    public async Task Small_read_needs_one_request_and_a_seek_one_more()
    {
        await using var stream = await OpenAsync();
        await stream.ReadExactlyAsync(new byte[1000], Cancelled);
        Assert.Single(_requests);

        stream.Position = 10_000_000;
        for (var i = 0; i < 50; i++)
            await stream.ReadExactlyAsync(new byte[4096], Cancelled);
        stream.Position = 10_000_000;
        await stream.ReadExactlyAsync(new byte[4096], Cancelled);
        Assert.Equal(2, _requests.Count);
    }

    [Fact]
    public async Task Later_requests_demand_the_tag_of_the_opened_blob()
    {
        await using var stream = await OpenAsync();
        stream.Position = 10_000_000;
        await stream.ReadExactlyAsync(new byte[1], Cancelled);
        Assert.Equal([null, "one"], _requests.Select(request => request.Tag));

        _alter = range => range with { Tag = "two" };
        stream.Position = 15_000_000;
        var failure = await Assert.ThrowsAsync<BlobStoreException>(() => stream.ReadExactlyAsync(new byte[1], Cancelled).AsTask());
        Assert.Contains("replaced", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Truncated_response_is_requested_again()
    {
        var responses = 0;
        _alter = range => ++responses % 2 == 1 ? range with { Body = new MemoryStream(new byte[10]) } : range;
        await using var stream = await OpenAsync();
        var read = new byte[300_000];
        await stream.ReadExactlyAsync(read, Cancelled);

        Assert.True(read.AsSpan().SequenceEqual(_blob.AsSpan(0, read.Length)));
        Assert.Equal(4, _requests.Count);
    }

    [Fact]
    public async Task Response_that_is_always_truncated_fails_after_four_attempts()
    {
        _alter = range => range with { Body = new MemoryStream(new byte[10]) };
        await Assert.ThrowsAsync<BlobStoreException>(OpenAsync);
        Assert.Equal(4, _requests.Count);
    }

    private Task<Stream> OpenAsync() => RangedBlobStream.OpenAsync(ReadAsync, TimeProvider.System, Cancelled);

    private Task<BlobRange> ReadAsync(long start, int count, string? tag, CancellationToken cancellationToken)
    {
        _requests.Add((start, count, tag));
        count = (int)Math.Min(count, _blob.Length - start);
        return Task.FromResult(_alter(new BlobRange(new MemoryStream(_blob, (int)start, count), _blob.Length, "one")));
    }
}
