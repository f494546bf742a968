using Updraft.Server.Deploys.Compare;

namespace Updraft.Server.Tests.Deploys;

public sealed class CompareLinesTests
{
    [Fact]
    public void Comparison_is_a_shortest_one_for_random_texts()
    {
        var random = new Random(17);
        for (var round = 0; round < 3000; round++)
        {
            var letters = random.Next(1, 5);
            List<string> old = Lines(random.Next(0, 14)), @new = Lines(random.Next(0, 14));
            var (isRemoved, isAdded) = CompareLines.Run(old, @new, CancellationToken.None);
            Assert.Equal(old.Where((_, i) => !isRemoved[i]), @new.Where((_, i) => !isAdded[i]));
            Assert.Equal(Longest(old, @new), isRemoved.Count(removed => !removed));

            List<string> Lines(int count) => [.. Enumerable.Range(0, count).Select(_ => "abcde"[random.Next(letters)].ToString())];
        }
    }

    [Fact]
    public void Comparison_of_wholly_different_large_texts_ends_with_an_error()
    {
        List<string> old = [.. Enumerable.Range(0, 20_000).Select(i => $"old {i}")];
        List<string> @new = [.. Enumerable.Range(0, 20_000).Select(i => $"new {i}")];
        Assert.Throws<TooManyDifferencesException>(() => CompareLines.Run(old, @new, CancellationToken.None));
        @new = [.. old.Select((line, i) => i % 100 == 50 ? "changed" : line)];
        Assert.Equal(200, CompareLines.Run(old, @new, CancellationToken.None).IsAdded.Count(added => added));
    }

    [Fact]
    public void Canceled_comparison_ends()
    {
        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        Assert.Throws<OperationCanceledException>(() => CompareLines.Run(["a", "b"], ["c", "d"], canceled.Token));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("a", 1)]
    [InlineData("a\n", 1)]
    [InlineData("a\r\nb\rc\n", 3)]
    [InlineData("\r\r\r", 3)]
    [InlineData("\n\r\n\r", 3)]
    public void Lines_end_with_CR_LF_or_both(string text, int count)
    {
        Assert.Equal(count, new TextLines(text).Count());
        Assert.Equal(count, new TextLines(text).ToList().Count);
    }

    private static int Longest(List<string> old, List<string> @new)
    {
        var lengths = new int[old.Count + 1, @new.Count + 1];
        for (var i = 1; i <= old.Count; i++)
        {
            for (var j = 1; j <= @new.Count; j++)
            {
                lengths[i, j] = old[i - 1] == @new[j - 1] ? lengths[i - 1, j - 1] + 1 : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
            }
        }
        return lengths[old.Count, @new.Count];
    }
}
