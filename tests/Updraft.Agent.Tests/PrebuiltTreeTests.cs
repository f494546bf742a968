using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Deploys that start with a prebuilt tree of an idle agent.</summary>
public sealed class PrebuiltTreeTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;
    private int _prebuiltTrees;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("a.py=two b/c.py=same")]
    [InlineData("b/c.py=same")]
    [InlineData("a.py=one")]
    [InlineData("a.py=one b=now-a-file")]
    [InlineData("a.py/x.py=now-a-directory b/c.py=same")]
    [InlineData("a.py=one b/c.py=same b/d/e/f.py=new g.py=new")]
    [InlineData("b/c.py=same other/a.py=one")]
    public async Task Deploy_from_prebuilt_tree_mounts_deployed_files(string files)
    {
        await DeployAsync("a.py=one b/c.py=same b/d.py=same-too");
        var before = _agent.Mounted("dags");
        await DeployAsync(files);

        var after = _agent.Mounted("dags");
        Assert.Equal(files.Split(' '), after.Select(file => $"{file.Key}={file.Value.Text}"));
        Assert.All(after.Where(file => before.TryGetValue(file.Key, out var old) && old.Text == file.Value.Text),
            file => Assert.Equal(before[file.Key], file.Value));
        Assert.Equal(files.Split(' ').Length, Directory.GetFiles(_agent.Own("spares"), "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task Damaged_shared_file_is_not_used_for_the_next_tree()
    {
        await DeployAsync("a.py=one b.py=same");
        await File.AppendAllTextAsync(Path.Join(_agent.Root, "dags", "b.py"), "damage", TestContext.Current.CancellationToken);
        await DeployAsync("a.py=two b.py=same", waitForPrebuiltTree: false);

        Assert.Equal("same", _agent.Mounted("dags")["b.py"].Text);
        await _agent.WaitForLogAsync("file_changed");
    }

    [Fact]
    public async Task Prebuilt_tree_of_earlier_run_is_not_used()
    {
        await DeployAsync("a.py=one b.py=same");
        await _agent.StopAsync();
        foreach (var tree in Directory.GetDirectories(_agent.Own("spares")))
            File.Delete(Path.Join(tree, "b.py"));
        var revision = _server.Deploy(("dags", Parse("a.py=two b.py=same")));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);

        Assert.Equal("a.py b.py", _agent.Paths("dags"));
    }

    [Fact]
    public async Task Unchanged_empty_files_keep_inodes_without_prebuilt_tree()
    {
        await DeployAsync("a.py= b/__init__.py=");
        var before = _agent.Mounted("dags");
        await _agent.StopAsync();
        Directory.Delete(_agent.Own("spares"), recursive: true);
        var revision = _server.Deploy(("dags", Parse("a.py= b/__init__.py= c.py=")));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);

        var after = _agent.Mounted("dags");
        Assert.Equal("a.py b/__init__.py c.py", string.Join(' ', after.Keys));
        Assert.All(before, file => Assert.Equal(file.Value, after[file.Key]));
    }

    private async Task DeployAsync(string files, bool waitForPrebuiltTree = true)
    {
        var revision = _server.Deploy(("dags", Parse(files)));
        if (_prebuiltTrees == 0)
            _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);
        if (waitForPrebuiltTree)
            await _agent.WaitForLogAsync("prebuilt_tree_created", ++_prebuiltTrees);
    }

    private static Tree Parse(string files) =>
        Tree.Of([.. files.Split(' ').Select(file => file.Split('=')).Select(parts => (parts[0], parts[1]))]);
}
