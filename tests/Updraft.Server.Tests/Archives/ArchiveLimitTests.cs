using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Tests.Bundles;

namespace Updraft.Server.Tests.Archives;

/// <summary>An archive at a limit is accepted. Just above and far above the limit, the error names the setting.</summary>
public sealed class ArchiveLimitTests
{
    private const int Block = 512, MiB = 1024 * 1024;

    /// <summary>For each setting: a value, and a function that creates an archive with exactly a given amount.</summary>
    private static readonly Dictionary<string, (int Limit, Action<ArchiveOptions> Set, Func<int, byte[]> Make)> Limits =
        new(StringComparer.Ordinal)
    {
        // Two blocks of zeros end an archive, and a header precedes each file.
        ["Archives:MaxUnpackedBytes"] = (40 * Block, limits => limits.MaxUnpackedBytes = 40 * Block,
            bytes => new TarBuilder().File(TarBuilder.Text("a"), new byte[Math.Max(bytes - 3 * Block, 0)]).ToArray()),
        ["Archives:MaxEntries"] = (50, limits => limits.MaxEntries = 50, Entries),
        ["Archives:MaxPathBytes"] = (90, limits => limits.MaxPathBytes = 90,
            length => new TarBuilder().LongName(LongPath(length)).File(LongPath(length)[..Math.Min(length, 90)]).ToArray()),
        ["Archives:MaxDepth"] = (8, limits => (limits.MaxDepth, limits.MaxPathBytes) = (8, 4096),
            depth => new TarBuilder().LongName(Deep(depth)).File(Deep(depth)[..Math.Min(depth * 2 - 1, 90)]).ToArray()),
        ["Archives:MaxEntryMetadataBytes"] = (2048, limits => limits.MaxEntryMetadataBytes = 2048,
            bytes => new TarBuilder().Extended('x', Comment(bytes)).File("a").ToArray()),
        ["Archives:MaxMetadataBytes"] = (4096, limits => (limits.MaxEntryMetadataBytes, limits.MaxMetadataBytes) = (16 * MiB, 4096),
            bytes =>
                new TarBuilder().Extended('x', Comment(bytes / 2)).File("a").Extended('x', Comment(bytes - bytes / 2)).File("b").ToArray()),
    };

    public static TheoryData<string> Names => [.. Limits.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Archive_at_the_limit_is_accepted(string setting)
    {
        var (limit, set, make) = Limits[setting];
        await using var bundles = await BundleFixture.CreateAsync(set);
        await bundles.IngestAsync(make(limit));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Archive_above_the_limit_is_rejected_and_leaves_nothing(string setting)
    {
        var (limit, set, make) = Limits[setting];
        await using var bundles = await BundleFixture.CreateAsync(set);
        var before = await bundles.FootprintAsync();
        foreach (var value in (int[])[limit + 1, limit * 100])
        {
            var rejection = await Assert.ThrowsAsync<ApiException>(() => bundles.IngestAsync(make(value)));
            Assert.Equal((400, setting), (rejection.StatusCode, rejection.Limit));
            Assert.Contains(setting, rejection.Message, StringComparison.Ordinal);
            Assert.Contains($"{limit}", rejection.Message, StringComparison.Ordinal);
        }
        Assert.Equal(before, await bundles.FootprintAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Archive_of_similar_files_is_accepted_at_any_ratio(bool isZstd)
    {
        // Generated DAGs: one content with one word changed. Archives of zeros compress better than these, and have no limit either.
        var tar = new TarBuilder();
        var body = string.Concat(Enumerable.Range(0, 100).Select(line => $"    task_{line} = Operator(task_id='task_{line}')\n"));
        for (var i = 0; i < 4_000; i++)
            tar.File($"dags/load_{i}.py", $"TABLE = 'table_{i}'\n{body}");
        var plain = tar.ToArray();
        var packed = isZstd ? TarBuilder.Zstd(plain) : TarBuilder.Gzip(plain);
        Assert.True(!isZstd || plain.Length / packed.Length > 200, $"The ratio is only {plain.Length / packed.Length}.");

        Assert.Equal(4_001, (await ArchiveReading.ReadAsync(packed)).Entries.Count);
    }

    [Fact]
    public async Task Zeros_after_the_end_count_as_unpacked_bytes()
    {
        var limits = new ArchiveOptions { MaxUnpackedBytes = MiB };
        var rejection = await Assert.ThrowsAsync<ApiException>(() =>
            ArchiveReading.ReadAsync(TarBuilder.Gzip(new TarBuilder().File("f").ToArray(4 * MiB / Block)), limits: limits));

        Assert.Equal("Archives:MaxUnpackedBytes", rejection.Limit);
    }

    [Fact]
    public void Setting_of_the_former_ratio_is_still_accepted() => Assert.True(ServerSettings.IsKnown("Archives:MaxRatio"));

    private static byte[] Entries(int count)
    {
        var archive = new TarBuilder();
        for (var i = 0; i < count; i++)
            archive.File($"f{i}");
        return archive.ToArray();
    }

    private static string LongPath(int length) =>
        string.Concat(Enumerable.Range(0, length).Select(i => i % 40 == 39 && i != length - 1 ? '/' : 'p'));

    private static string Deep(int components) => string.Join('/', Enumerable.Repeat("d", components));

    /// <summary>The payload of an extended header with one comment.</summary>
    private static byte[] Comment(int bytes)
    {
        for (var length = bytes - 1; length >= 0; length--)
        {
            var records = TarBuilder.Records(("comment", new string('x', length)));
            if (records.Length == bytes)
                return records;
        }
        throw new ArgumentException($"No record has {bytes} bytes.", nameof(bytes));
    }
}
