using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class PackRangeTests
{
    [Fact]
    public void Close_contents_are_one_request()
    {
        Assert.Equal([(8, 5000)], Plan(("p", 8, 100), ("p", 108, 100), ("p", 208 + PackRange.MaxGap, 696)));
    }

    [Fact]
    public void Large_gap_is_not_downloaded()
    {
        Assert.Equal([(8, 108), (109 + PackRange.MaxGap, 209 + PackRange.MaxGap)], Plan(("p", 109 + PackRange.MaxGap, 100), ("p", 8, 100)));
    }

    [Fact]
    public void Each_pack_has_its_own_requests()
    {
        Assert.Equal(2, Plan(("p", 8, 100), ("q", 108, 100)).Count);
    }

    [Fact]
    public void Long_range_is_split_for_parallel_requests()
    {
        var ranges = Plan([.. Enumerable.Range(0, 32).Select(i => ("p", 8L + i * 1024 * 1024, 1024L * 1024))]);

        Assert.Equal(4, ranges.Count);
        Assert.All(ranges, range => Assert.True(range.End - range.Start <= PackRange.MaxLength));
    }

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(8, 0)]
    [InlineData(8, -5)]
    [InlineData(long.MaxValue, 10)]
    public void Impossible_location_is_rejected(long offset, long length)
    {
        Assert.Throws<InvalidDataException>(() => Plan(("p", offset, length)));
    }

    [Fact]
    public void Frame_much_longer_than_content_is_rejected()
    {
        var file = new WantedFile(ManifestEntry.File("a", 10, default), new PackLocation("p", 8, 1024 * 1024), "a");

        Assert.Throws<InvalidDataException>(() => PackRange.Plan([file]));
    }

    private static List<(long Start, long End)> Plan(params (string Pack, long Offset, long Length)[] locations) =>
        [.. PackRange.Plan(locations.Select((location, i) => new WantedFile(
            ManifestEntry.File($"{i}", Math.Max(0, location.Length), default),
            new PackLocation(location.Pack, location.Offset, location.Length), $"{i}"))).Select(range => (range.Start, range.End))];
}
