using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Repairs of a mounted tree whose files other trees share by hard links.</summary>
public sealed class RepairTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("shared.py", "shared"), ("a.py", "one"), ("lib/b.py", "deep")))));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("shared.py", "shared"), ("a.py", "two"), ("lib/b.py", "deep")))));
        await _agent.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("shared.py", "SHARED", "shared")]
    [InlineData("lib/b.py", "DEEP", "deep")]
    public async Task Same_size_edit_of_a_shared_file_is_repaired_with_signed_content(string path, string edit, string signed)
    {
        var place = Path.Join(_agent.Root, "dags", path);
        var before = _agent.Mounted("dags");
        await OverwriteAsync(place, edit);
        Assert.Equal(2, TreesWith(path, edit));

        await InspectAsync();

        var after = _agent.Mounted("dags");
        Assert.Equal(signed, after[path].Text);
        Assert.NotEqual(before[path].Inode, after[path].Inode);
        Assert.All(before.Where(file => file.Key != path), file => Assert.Equal(file.Value, after[file.Key]));
    }

    [Fact]
    public async Task Same_size_edits_of_all_files_are_repaired_with_signed_content()
    {
        foreach (var (path, file) in _agent.Mounted("dags"))
            await OverwriteAsync(Path.Join(_agent.Root, "dags", path), file.Text.ToUpperInvariant());

        await InspectAsync(repairs: 3);

        var texts = _agent.Texts("dags");
        Assert.Equal(("two", "deep", "shared"), (texts["a.py"], texts["lib/b.py"], texts["shared.py"]));
    }

    [Fact]
    public async Task Deleted_file_is_repaired_though_the_shared_one_was_edited()
    {
        var place = Path.Join(_agent.Root, "dags", "shared.py");
        await OverwriteAsync(place, "SHARED");
        File.Delete(place);
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired");

        Assert.Equal("shared", _agent.Texts("dags")["shared.py"]);
    }

    [Fact]
    public async Task Changed_mode_is_repaired()
    {
        var place = Path.Join(_agent.Root, "dags", "shared.py");
        File.SetUnixFileMode(place, AgentRoot.ExecutableMode);
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired");

        Assert.Equal(("shared", "644"), (_agent.Mounted("dags")["shared.py"].Text, _agent.Mounted("dags")["shared.py"].Mode));
    }

    private async Task InspectAsync(int repairs = 1)
    {
        _agent.Clock = new ShortHours();
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("tree_repaired", repairs);
        await _agent.StopAsync();
    }

    /// <summary>Overwrites the file in place, so that all of its hard links have the new content.</summary>
    private static async Task OverwriteAsync(string path, string text)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
    }

    private int TreesWith(string path, string text) =>
        Directory.GetDirectories(_agent.Own("trees")).Count(tree => File.ReadAllText(Path.Join(tree, path)) == text);
}
