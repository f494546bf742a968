namespace Updraft.Bench;

/// <summary>Deploys that benchmarks begin with.</summary>
internal static class Deploying
{
    /// <summary>Deploys one DAG file.</summary>
    public static async Task SmallAsync(Site site) => await site.FinalizeAsync(await site.PrepareDeployAsync(await SmallArchiveAsync(site)));

    /// <summary>An archive with one DAG file.</summary>
    public static async Task<string> SmallArchiveAsync(Site site)
    {
        var folder = Directory.CreateDirectory(Path.Join(site.Folder, "small/dags")).FullName;
        await File.WriteAllTextAsync(Path.Join(folder, "one.py"), "from airflow.sdk import dag\n");
        var archive = Path.Join(site.Folder, "small.tar");
        await ChildProcess.RunAsync(["tar", "-cf", archive, "-C", Path.Join(site.Folder, "small"), "dags"]);
        return archive;
    }
}
