using Microsoft.AspNetCore.Http;
using Updraft.Server.Api;
using Updraft.Server.Tests.Bundles;

namespace Updraft.Server.Tests.Archives;

public sealed class ArchiveRefusalTests : IClassFixture<SharedBundleFixture>
{
    public static TheoryData<string> Hostile => [.. HostileArchives.All.Keys];

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Hostile_archive_leaves_nothing_and_is_rejected_with_400(string name)
    {
        var hostile = HostileArchives.All[name];
        var bundles = (await TestContext.Current.GetFixture<SharedBundleFixture>())!.Bundles;
        var before = await bundles.FootprintAsync();

        var rejection = await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(hostile.Archive()));

        Assert.Equal(StatusCodes.Status400BadRequest, rejection.StatusCode);
        Assert.Equal("InvalidInput", rejection.BlobErrorCode);
        Assert.All(hostile.Names, part => Assert.Contains(part, rejection.Message, StringComparison.Ordinal));
        Assert.DoesNotContain(rejection.Message, c => char.IsControl(c) || c is >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069');
        Assert.Equal(before, await bundles.FootprintAsync());
    }

    [Fact]
    public async Task Unpacked_size_limit_counts_bytes_without_a_header()
    {
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxUnpackedBytes = 100_000);

        var rejection = await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(TarBuilder.Gzip(new byte[200_000])));

        Assert.Contains("100000 bytes", rejection.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unpacked_size_limit_counts_copies_of_symbolic_links()
    {
        var tar = new TarBuilder().File("f", new string('x', 60_000)).SymbolicLink("l", "f").ToArray();
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxUnpackedBytes = 100_000);

        var rejection = await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(tar));

        Assert.Contains("'l'", rejection.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unpacked_size_limit_counts_hard_links()
    {
        var tar = new TarBuilder().File("f", new string('x', 60_000)).HardLink("h", "f").ToArray();
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxUnpackedBytes = 100_000);

        var rejection = await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(tar));

        Assert.Contains("'h'", rejection.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task Entry_limit_counts_directories_without_an_entry(int files, bool accepted)
    {
        var tar = new TarBuilder();
        for (var i = 0; i < files; i++)
            tar.File($"a/b/{i}");
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxEntries = 5);

        var failure = await Record.ExceptionAsync(() => bundles.IngestAsync(tar.ToArray()));

        Assert.Equal(accepted, failure is null);
    }

    [Theory]
    [InlineData("abcdefghij", true)]
    [InlineData("abcdefghijk", false)]
    [InlineData("abcdefghé", true)]
    [InlineData("abcdefghié", false)]
    public async Task Path_limit_counts_bytes(string path, bool accepted)
    {
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxPathBytes = 10);

        var failure = await Record.ExceptionAsync(() => bundles.IngestAsync(new TarBuilder().File(path).ToArray()));

        Assert.Equal(accepted, failure is null);
    }

    [Theory]
    [InlineData("a/b/c", true)]
    [InlineData("a/b/c/d", false)]
    public async Task Depth_limit_counts_components(string path, bool accepted)
    {
        await using var bundles = await BundleFixture.CreateAsync(limits => limits.MaxDepth = 3);

        var failure = await Record.ExceptionAsync(() => bundles.IngestAsync(new TarBuilder().File(path).ToArray()));

        Assert.Equal(accepted, failure is null);
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(BadHttpRequestException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task Exception_of_the_upload_stream_passes_through_unchanged(Type type)
    {
        var archive = TarBuilder.Gzip(new TarBuilder().File("f", string.Concat(Enumerable.Range(0, 100_000))).ToArray());
        var failure = (Exception)Activator.CreateInstance(type, "the connection broke")!;
        await using var bundles = await BundleFixture.CreateAsync();
        var before = await bundles.FootprintAsync();

        var seen = await Assert.ThrowsAsync(type, () => bundles.IngestAsync(new BrokenUpload(archive[..5000], failure)));

        Assert.Same(failure, seen);
        Assert.Equal(before, await bundles.FootprintAsync());
    }

    /// <summary>Returns the first bytes of an upload, then fails as a broken connection does.</summary>
    private sealed class BrokenUpload(byte[] start, Exception failure) : Stream
    {
        private readonly MemoryStream _start = new(start);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            var read = await _start.ReadAsync(buffer[..Math.Min(buffer.Length, 1000)], cancellationToken);
            return read > 0 ? read : throw failure;
        }

        public override int Read(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException("An upload cannot be read synchronously.");

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
