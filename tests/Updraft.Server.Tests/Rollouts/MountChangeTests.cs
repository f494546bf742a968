using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>The mounts of a revision after the change of one bundle.</summary>
public sealed class MountChangeTests
{
    [Fact]
    public void Exactly_MaxCount_bundles_are_accepted()
    {
        var all = Mounts(Bundle.MaxCount);

        Assert.Equal(Bundle.MaxCount, Change("new/last").Apply(all[..^1]).Count);
        Assert.Throws<ApiException>(() => Change("new/last").Apply(all));
    }

    [Fact]
    public void New_version_of_a_bundle_is_accepted_at_the_limit()
    {
        var all = Mounts(Bundle.MaxCount);

        var changed = Change("dbt/7").Apply(all);

        Assert.Equal(all.Select(mount => mount.Path), changed.Select(mount => mount.Path));
        Assert.Equal("new", changed[7].Version);
        Assert.Equal(Bundle.MaxCount - 1, new MountChange("dbt/7", null).Apply(all).Count);
    }

    [Theory]
    [InlineData("dbt/1", "dbt/0 dbt/1 dbt/2")]
    [InlineData("dbt/9", "dbt/0 dbt/1 dbt/2 dbt/9")]
    [InlineData(Bundle.MainPath, "dags dbt/0 dbt/1 dbt/2")]
    public void Changed_bundle_keeps_its_position_and_new_dags_are_first(string path, string paths) =>
        Assert.Equal(paths, string.Join(' ', Change(path).Apply(Mounts(3)).Select(mount => mount.Path)));

    private static List<RevisionMount> Mounts(int count) => [.. Enumerable.Range(0, count).Select(i => Mount($"dbt/{i}", "old"))];

    private static MountChange Change(string path) => new(path, Mount(path, "new"));

    private static RevisionMount Mount(string path, string version) => new()
    {
        BundleType = "dbt",
        MountPath = $"/usr/local/airflow/{path}",
        Path = path,
        Version = version,
        Manifest = AgentSite.ManifestOf(version),
        Files = 1,
        Bytes = 1,
        DeployId = "cdeploy",
    };
}
