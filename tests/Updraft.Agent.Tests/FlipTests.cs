using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

public sealed class FlipTests
{
    [Fact]
    public async Task Readers_of_one_state_never_see_mixed_versions()
    {
        await using var server = await StandInServer.StartAsync();
        await using var agent = new TestAgent();
        server.Deploy(("dags", Version(0)), ("dbt/shop", Version(0)));
        agent.Start(server.Address);
        await server.WaitForActiveAsync(1);

        using var flipping = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() => Read(agent, flipping.Token), flipping.Token)).ToList();
        for (var flip = 1; flip <= 100; flip++)
            await server.WaitForActiveAsync(server.Deploy(("dags", Version(flip % 7)), ("dbt/shop", Version(flip % 7))));
        await flipping.CancelAsync();

        Assert.All(await Task.WhenAll(readers), rounds => Assert.True(rounds > 0));
    }

    private static Tree Version(int number) =>
        Tree.Of([("version", $"{number}"), .. Enumerable.Range(0, 20).Select(i => ($"f{i}.py", $"{number}"))]);

    /// <summary>Reads both bundles of one state repeatedly. All files of a round must have one version.</summary>
    private static int Read(TestAgent agent, CancellationToken cancellationToken)
    {
        for (var rounds = 0; ; rounds++)
        {
            if (cancellationToken.IsCancellationRequested)
                return rounds;
            var state = Path.Join(agent.Root, ".updraft", new FileInfo(agent.Own("current")).LinkTarget);
            var texts = new[] { "dags", "dbt/shop" }.SelectMany(mount => Directory.GetFiles(Path.Join(state, mount) + "/"))
                .Select(File.ReadAllText).ToList();
            Assert.Equal(42, texts.Count);
            Assert.Single(texts.Distinct(StringComparer.Ordinal));
        }
    }
}
