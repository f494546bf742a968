using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

public sealed class DeployTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task First_deploy_is_mounted_unchanged()
    {
        var tree = Tree.Of(("a.py", "one"), ("lib/b.py", "two"), ("lib/empty.py", "")).WithScript("run.sh", "#!");
        var revision = _server.Deploy(("dags", tree));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);

        Assert.Equal(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["a.py"] = "one",
            ["lib/b.py"] = "two",
            ["lib/empty.py"] = "",
            ["run.sh"] = "#!",
        }, _agent.Texts("dags"));
    }

    [Fact]
    public async Task Files_and_directories_have_modes_of_the_manifest()
    {
        var revision = _server.Deploy(("dags", Tree.Of(("lib/a.py", "one")).WithScript("run.sh", "#!").WithFolder("kept")));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);

        var files = _agent.Mounted("dags");
        Assert.Equal(("644", "755"), (files["lib/a.py"].Mode, files["run.sh"].Mode));
        Assert.All(["dags/lib", "dags/kept"], directory =>
            Assert.Equal(AgentRoot.DirectoryMode, File.GetUnixFileMode(Path.Join(_agent.Root, directory))));
    }

    [Fact]
    public async Task Agent_reports_prepared_then_active_with_its_mounts()
    {
        var mount = _server.Mount("dags", Tree.Of(("a.py", "one")));
        var revision = _server.Deploy([mount]);
        _agent.Start(_server.Address);
        var active = await _server.WaitForActiveAsync(revision);

        Assert.Equal([AgentPhase.Prepared, AgentPhase.Active], _server.Reports.Select(report => report.Phase));
        Assert.Equal([0, revision], _server.Reports.Select(report => report.ActiveRevision));
        Assert.Equal([new MountReport("dags", mount.Version, mount.Manifest)], active.Mounts);
        Assert.True(active.FetchedBytes > 0);
    }

    [Fact]
    public async Task Only_range_of_changed_file_is_downloaded()
    {
        var padding = Enumerable.Range(0, 400).Select(i => ($"f{i:000}.py", string.Concat(Enumerable.Repeat($"{i * 7919} ", 20))));
        await DeployAsync(("dags", Tree.Of([.. padding, ("a.py", "one")])));
        var before = _server.PackRequests.Count;
        await DeployAsync(("dags", Tree.Of([.. padding, ("a.py", "two")])));

        var (_, location) = _server.Find("two");
        Assert.Equal($"bytes={location.Offset}-{location.Offset + location.Length - 1}",
            Assert.Single(_server.PackRequests.Skip(before)).Range);
        Assert.Equal("two", _agent.Mounted("dags")["a.py"].Text);
    }

    [Fact]
    public async Task Only_changed_files_get_new_inode_and_time()
    {
        await DeployAsync(("dags", Tree.Of(("a.py", "one"), ("b.py", "same"))));
        var before = _agent.Mounted("dags");
        await DeployAsync(("dags", Tree.Of(("a.py", "two"), ("b.py", "same"))));
        var after = _agent.Mounted("dags");

        Assert.Equal(before["b.py"], after["b.py"]);
        Assert.NotEqual(before["a.py"].Inode, after["a.py"].Inode);
        Assert.True(after["a.py"].ModifiedAt > before["a.py"].ModifiedAt);
    }

    [Fact]
    public async Task File_that_becomes_executable_gets_new_inode()
    {
        await DeployAsync(("dags", Tree.Of(("run.sh", "#!"))));
        var before = _agent.Mounted("dags")["run.sh"];
        await DeployAsync(("dags", new Tree().WithScript("run.sh", "#!")));
        var after = _agent.Mounted("dags")["run.sh"];

        Assert.Equal(("644", "755"), (before.Mode, after.Mode));
        Assert.NotEqual(before.Inode, after.Inode);
    }

    [Fact]
    public async Task Content_at_another_path_is_not_downloaded()
    {
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))));
        var before = _server.PackRequests.Count;
        await DeployAsync(("dags", Tree.Of(("moved/a.py", "one"), ("copy.py", "one"))));

        Assert.Equal(before, _server.PackRequests.Count);
        Assert.Equal("copy.py moved/a.py", _agent.Paths("dags"));
        Assert.Equal(2, _agent.Mounted("dags").Values.Select(file => file.Inode).Distinct().Count());
    }

    [Fact]
    public async Task Rollback_flips_to_retained_tree_without_download()
    {
        var (old, wrong) = (Tree.Of(("a.py", "one"), ("b.py", "same"), ("gone.py", "back")), Tree.Of(("a.py", "two"), ("b.py", "same")));
        await DeployAsync(("dags", old));
        await DeployAsync(("dags", wrong));
        var (requests, before) = (_server.Requests.Count(IsFetch), _agent.Mounted("dags"));
        await DeployAsync(("dags", old));
        var after = _agent.Mounted("dags");

        Assert.Equal(requests, _server.Requests.Count(IsFetch));
        Assert.Equal("one", after["a.py"].Text);
        Assert.Equal(before["b.py"], after["b.py"]);
        Assert.All(["a.py", "gone.py"], path => Assert.True(after[path].ModifiedAt > before["a.py"].ModifiedAt));

        static bool IsFetch(SeenRequest request) => request.Path.StartsWith(AgentRoutes.Packs, StringComparison.Ordinal)
            || request.Path.StartsWith(AgentRoutes.Manifests, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bundle_missing_in_revision_is_unmounted()
    {
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))), ("dbt/shop", Tree.Of(("p.yml", "x"))));
        Assert.Equal("x", _agent.Texts("dbt/shop")["p.yml"]);
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))));

        Assert.Equal(".updraft dags", _agent.Top());
    }

    [Fact]
    public async Task Existing_parent_directory_of_mount_stays()
    {
        Directory.CreateDirectory(Path.Join(_agent.Root, "dbt"));
        await DeployAsync(("dbt/shop", Tree.Of(("p.yml", "x"))));
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))));

        Assert.True(Directory.Exists(Path.Join(_agent.Root, "dbt")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Join(_agent.Root, "dbt")));
    }

    [Fact]
    public async Task Revision_without_mounts_removes_links()
    {
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))));
        await DeployAsync();

        Assert.Equal(".updraft", _agent.Top());
    }

    [Fact]
    public async Task Mount_path_can_become_directory_of_mounts_and_back()
    {
        await DeployAsync(("dbt", Tree.Of(("p.yml", "1"))));
        await DeployAsync(("dbt/shop", Tree.Of(("p.yml", "2"))), ("dbt/bank", Tree.Of(("p.yml", "3"))));
        Assert.Equal(("2", "3"), (_agent.Texts("dbt/shop")["p.yml"], _agent.Texts("dbt/bank")["p.yml"]));
        await DeployAsync(("dbt", Tree.Of(("p.yml", "4"))));

        Assert.Equal("4", _agent.Texts("dbt")["p.yml"]);
    }

    [Fact]
    public async Task Only_selected_directory_of_tree_is_mounted()
    {
        var tree = Tree.Of(("dags/a.py", "one"), ("Dockerfile", "FROM"));
        var revision = _server.Deploy([_server.Mount("dags", tree, "dags"), _server.Mount("very/deep/path", tree)]);
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);

        Assert.Equal(("a.py", "Dockerfile dags/a.py"), (_agent.Paths("dags"), _agent.Paths("very/deep/path")));
    }

    [Fact]
    public async Task All_links_are_relative()
    {
        await DeployAsync(("dags", Tree.Of(("a.py", "one"))), ("dbt/shop", Tree.Of(("p.yml", "x"))));
        var digest = Tree.Of(("p.yml", "x")).ToManifest().Digest;

        Assert.Equal(".updraft/current/dags", new FileInfo(Path.Join(_agent.Root, "dags")).LinkTarget);
        Assert.Equal("../.updraft/current/dbt/shop", new FileInfo(Path.Join(_agent.Root, "dbt/shop")).LinkTarget);
        Assert.Equal("states/1", new FileInfo(_agent.Own("current")).LinkTarget);
        Assert.Equal($"../../../trees/{digest}", new FileInfo(_agent.Own("current", "dbt", "shop")).LinkTarget);
    }

    [Fact]
    public async Task File_shared_with_another_mount_keeps_its_time()
    {
        // Two bundles have an equal file at an equal path, so the second tree has a hard link to the file of the first one.
        await DeployAsync(("one", Tree.Of(("a.py", "shared"), ("x.py", "1"))), ("two", Tree.Of(("a.py", "other"))));
        var before = _agent.Mounted("one")["a.py"];
        await DeployAsync(("one", Tree.Of(("a.py", "shared"), ("x.py", "1"))), ("two", Tree.Of(("a.py", "shared"))));

        Assert.Equal(before, _agent.Mounted("one")["a.py"]);
        Assert.True(_agent.Mounted("two")["a.py"].ModifiedAt > before.ModifiedAt);
    }

    [Fact]
    public async Task Large_tree_is_downloaded_in_several_requests()
    {
        var random = new Random(7);
        var tree = new Tree();
        for (var i = 0; i < 12; i++)
        {
            var content = new byte[2 * 1024 * 1024];
            random.NextBytes(content);
            tree.Files[$"big/{i}.bin"] = new TreeFile(content, false);
        }
        await DeployAsync(("dags", tree));

        Assert.Equal(4, _server.PackRequests.Count);
        Assert.All(tree.Files, file => Assert.Equal(file.Value.Content, File.ReadAllBytes(Path.Join(_agent.Root, "dags", file.Key))));
    }

    private async Task DeployAsync(params (string Path, Tree Tree)[] mounts)
    {
        var revision = _server.Deploy(mounts);
        if (revision == 1)
            _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(revision);
    }
}
