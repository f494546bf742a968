using CsCheck;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>For any sequence of revisions, the mounted files equal the deployed ones.</summary>
public sealed class TreeProperties
{
    private static readonly string[] Paths = ["a.py", "b.py", "lib/a.py", "lib/b.py", "lib/deep/c.py", "x", "z/z"];

    private static readonly Gen<Tree> Trees =
        Gen.Select(Gen.Int[0, Paths.Length - 1].Select(i => Paths[i]), Gen.Int[0, 4], Gen.Bool).List[0, 7].Select(files =>
        {
            var tree = new Tree();
            foreach (var (path, text, isExecutable) in files)
                tree.Files[path] = new TreeFile(System.Text.Encoding.UTF8.GetBytes(text == 0 ? "" : $"content {text}"), isExecutable);
            return tree.Files.ContainsKey("x") ? tree : tree.WithFolder("x/directory");
        });

    private static readonly Gen<(Tree? Dags, Tree? Dbt)> Revisions =
        Gen.Select(Trees, Trees, Gen.Int[0, 9], (dags, dbt, which) => (which == 0 ? null : dags, which is 1 or 2 ? null : dbt));

    [Fact]
    public async Task Mount_equals_deployed_tree_and_keeps_unchanged_inodes()
    {
        await Revisions.List[2, 8].SampleAsync(async revisions =>
        {
            await using var server = await StandInServer.StartAsync();
            await using var agent = new TestAgent();
            agent.Start(server.Address);
            var before = new Dictionary<string, SortedDictionary<string, FileState>>(StringComparer.Ordinal);
            foreach (var (dags, dbt) in revisions)
            {
                var mounts = new[] { (Path: "dags", Tree: dags), (Path: "dbt/shop", Tree: dbt) };
                await server.WaitForActiveAsync(server.Deploy([.. mounts.Where(mount => mount.Tree is not null)
                    .Select(mount => (mount.Path, mount.Tree!))]));
                foreach (var (path, tree) in mounts)
                {
                    if (tree is null)
                        AssertAbsent(Path.Join(agent.Root, path), isDags: path == "dags");
                    else
                        before[path] = AssertMounted(agent, path, tree, before.GetValueOrDefault(path));
                    if (tree is null)
                        before.Remove(path);
                }
            }
        }, iter: 25, threads: 2);
    }

    private static void AssertAbsent(string path, bool isDags)
    {
        // The agent creates an empty directory for DAGs at its first start, so that Airflow can start before the first deploy.
        if (isDags && Directory.Exists(path))
            Assert.Empty(Directory.EnumerateFileSystemEntries(path));
        else
            Assert.False(Path.Exists(path));
    }

    private static SortedDictionary<string, FileState> AssertMounted(TestAgent agent, string mount, Tree tree,
        SortedDictionary<string, FileState>? before)
    {
        var mounted = agent.Mounted(mount);
        Assert.Equal(string.Join(' ', tree.Files.Keys), string.Join(' ', mounted.Keys));
        Assert.All(tree.Folders, directory => Assert.True(Directory.Exists(Path.Join(agent.Root, mount, directory))));
        foreach (var (path, file) in tree.Files)
        {
            Assert.Equal((file.Text, file.IsExecutable ? "755" : "644"), (mounted[path].Text, mounted[path].Mode));
            if (before?.GetValueOrDefault(path) is not { } old)
                continue;
            if ((old.Text, old.Mode) == (mounted[path].Text, mounted[path].Mode))
                Assert.Equal(old, mounted[path]);
            else
                Assert.True(mounted[path].Inode != old.Inode && mounted[path].ModifiedAt > old.ModifiedAt);
        }
        return mounted;
    }
}
