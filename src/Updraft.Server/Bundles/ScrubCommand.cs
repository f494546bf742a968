using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>The sub-command <c>scrub</c>: prints what <see cref="ScrubBundles"/> finds.</summary>
internal static class ScrubCommand
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // Read in terminals and by scripts, never put into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>Reads everything once. 0: all is well. 1: something is damaged and named.</summary>
    public static async Task<int> RunAsync(IServiceProvider services, bool asJson, CancellationToken cancellationToken)
    {
        var options = services.GetRequiredService<IOptions<ServerOptions>>().Value;
        var database = Path.Join(Path.GetFullPath(options.Data), "database", "updraft.db");
        if (!services.GetRequiredService<IOptions<DatabaseOptions>>().Value.IsShared && !File.Exists(database))
            throw new IOException($"there is no database at '{database}'; say where the data is with --Data.");

        await using var scope = services.CreateAsyncScope();
        var damage = new List<ScrubDamage>();
        var progress = new ProgressLine(services.GetRequiredService<TimeProvider>());
        var scrub = new ScrubBundles(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), StorageServices.OpenToRead(services),
            found =>
            {
                damage.Add(found);
                if (asJson)
                    return;
                progress.Clear();
                Console.Out.WriteLine(Describe(found));
            }, count => progress.Show(() => Describe(count)));
        var total = await scrub.RunAsync(cancellationToken);
        progress.Clear();
        await Console.Out.WriteLineAsync(asJson
            ? JsonSerializer.Serialize(new
            {
                total.Deployments,
                total.Versions,
                total.Manifests,
                total.Packs,
                total.Contents,
                total.Bytes,
                Damage = damage,
            }, Json)
            : $"{Describe(total)}: {(damage.Count == 0 ? "all is well" : $"{damage.Count} times damage")}");
        return damage.Count == 0 ? ServerCommand.Stopped : ServerCommand.Failed;
    }

    /// <summary>One line about damage.</summary>
    public static string Describe(ScrubDamage damage)
    {
        var version = damage.Version is null ? "" : $", version {damage.Version}";
        var path = damage.Path is null ? "" : $", file {BadArchive.Shorten(damage.Path)}";
        return $"damaged: Deployment {damage.DeploymentId}{version}{path}, blob {damage.Blob}: {damage.Problem}";
    }

    /// <summary>What has been read, in words.</summary>
    public static string Describe(ScrubCount count) =>
        $"{count.Deployments} Deployments, {count.Versions} versions, {count.Manifests} manifests, {count.Packs} packs, "
        + $"{count.Contents} contents, {count.Bytes} bytes";
}
