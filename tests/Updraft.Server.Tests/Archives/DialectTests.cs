using System.Globalization;

namespace Updraft.Server.Tests.Archives;

/// <summary>
/// Archives in the dialects of many tar programs become the tree that GNU tar unpacks. For a longer run, use <c>rigs/run dialects</c>.
/// </summary>
public sealed class DialectTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("updraft-dialects-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Fact]
    public async Task Archives_of_all_dialects_equal_the_trees_of_GNU_tar()
    {
        var count = Environment.GetEnvironmentVariable("UPDRAFT_DIALECT_ARCHIVES") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : 500;

        var result = await new DialectComparison(_work).RunAsync(seed: 1, count, jobs: 1, TestContext.Current.CancellationToken);

        Assert.True(result.Faults.Count == 0, $"{result.Faults.Count} faults\n{string.Join('\n', result.Faults.Take(20))}");
        Assert.InRange(result.Accepted, count * 8 / 10, count - 1);
    }
}
