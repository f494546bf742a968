using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>The command <c>scrub</c>: prints the problems that <see cref="ScrubBundles"/> finds.</summary>
internal static class ScrubCommand
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // For terminals and scripts, never for HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>Reads all blobs once. Returns the exit code: 0 if all are intact, 1 if one is damaged.</summary>
    public static async Task<int> RunAsync(IServiceProvider services, bool asJson, CancellationToken cancellationToken)
    {
        var options = services.GetRequiredService<IOptions<ServerOptions>>().Value;
        var database = Path.Join(Path.GetFullPath(options.Data), "database", "updraft.db");
        if (!services.GetRequiredService<IOptions<DatabaseOptions>>().Value.IsShared && !File.Exists(database))
            throw new IOException($"there is no database at '{database}'. Name the data directory with --Data.");

        await using var scope = services.CreateAsyncScope();
        var damage = new List<ScrubDamage>();
        var progress = new ProgressLine(services.GetRequiredService<TimeProvider>());
        var scrub = new ScrubBundles(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), StorageServices.OpenForReading(services),
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
            : $"{Describe(total)}: {(damage.Count == 0 ? "all is well" : $"{damage.Count} problems found")}");
        return damage.Count == 0 ? ServerCommand.Stopped : ServerCommand.Failed;
    }

    /// <summary>A problem as a line of text.</summary>
    public static string Describe(ScrubDamage damage)
    {
        var version = damage.Version is null ? "" : $", version {damage.Version}";
        var path = damage.Path is null ? "" : $", file {BadArchive.Shorten(damage.Path)}";
        return $"damaged: Deployment {damage.DeploymentId}{version}{path}, blob {damage.Blob}: {damage.Problem}";
    }

    /// <summary>The numbers as text.</summary>
    public static string Describe(ScrubCount count) =>
        $"{count.Deployments} Deployments, {count.Versions} versions, {count.Manifests} manifests, {count.Packs} packs, "
        + $"{count.Contents} contents, {count.Bytes} bytes";
}
