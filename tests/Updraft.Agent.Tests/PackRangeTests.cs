using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class PackRangeTests
{
    [Fact]
    public void Contents_that_stand_close_together_are_one_request()
    {
        Assert.Equal([(8, 5000)], Plan(("p", 8, 100), ("p", 108, 100), ("p", 208 + PackRange.MaxGap, 696)));
    }

    [Fact]
    public void A_larger_gap_is_not_fetched()
    {
        Assert.Equal([(8, 108), (109 + PackRange.MaxGap, 209 + PackRange.MaxGap)], Plan(("p", 109 + PackRange.MaxGap, 100), ("p", 8, 100)));
    }

    [Fact]
    public void Each_pack_has_its_own_requests()
    {
        Assert.Equal(2, Plan(("p", 8, 100), ("q", 108, 100)).Count);
    }

    [Fact]
    public void A_long_run_is_split_so_that_requests_run_beside_each_other()
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
    public void A_place_that_cannot_be_one_is_refused(long offset, long length)
    {
        Assert.Throws<InvalidDataException>(() => Plan(("p", offset, length)));
    }

    [Fact]
    public void A_frame_much_longer_than_its_content_is_refused()
    {
        var file = new WantedFile(ManifestEntry.File("a", 10, default), new PackLocation("p", 8, 1024 * 1024), "a");

        Assert.Throws<InvalidDataException>(() => PackRange.Plan([file]));
    }

    private static List<(long Start, long End)> Plan(params (string Pack, long Offset, long Length)[] places) =>
        [.. PackRange.Plan(places.Select((place, i) => new WantedFile(ManifestEntry.File($"{i}", Math.Max(0, place.Length), default),
            new PackLocation(place.Pack, place.Offset, place.Length), $"{i}"))).Select(range => (range.Start, range.End))];
}
