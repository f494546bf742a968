using CsCheck;

namespace Updraft.Protocol.Tests;

public sealed class EntityIdTests
{
    [Fact]
    public void Ids_have_cuid_form_and_sort_by_time() =>
        Gen.Long[0, 4_000_000_000_000].Array[2, 2].Sample(times =>
        {
            Array.Sort(times);
            var ids = times.Select(time => EntityId.New(new At(time))).ToArray();
            Assert.All(ids, id => Assert.True(EntityId.IsValid(id)));
            if (times[0] < times[1])
                Assert.True(string.CompareOrdinal(ids[0], ids[1]) < 0);
        });

    [Fact]
    public void Ids_of_one_millisecond_differ()
    {
        var clock = new At(1_700_000_000_000);
        Assert.Equal(10_000, Enumerable.Range(0, 10_000).Select(_ => EntityId.New(clock)).Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("clvetru2w000201mowqwua63")]
    [InlineData("dlvetru2w000201mowqwua63n")]
    [InlineData("clvetru2w000201mowqwua63N")]
    [InlineData("clvetru2w000201mowqwua6/n")]
    public void Invalid_text_is_not_an_id(string? text) => Assert.False(EntityId.IsValid(text));

    private sealed class At(long milliseconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }
}
