using System.Data.Common;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Import;

/// <summary>The command <c>import</c>: runs <see cref="ImportInstallation"/> and prints its result.</summary>
internal static class ImportCommand
{
    private const string From = "--From", DryRun = "--dry-run", AsJson = "--json";

    private const string HelpText = """
        Moves an installation from one data directory (SQLite, and blobs in it) to another database, another blob store, or both.
        It verifies all copied data, and only reads the source. Stop the server of the source first.

        Usage: Updraft.Server import --From DIRECTORY [--dry-run] [--json] [--NAME VALUE]...

          --From DIRECTORY        The data directory to read
          --dry-run               Checks source and target, counts, and changes nothing. The source's server may run
          --json                  Prints one JSON object instead of lines
          --NAME VALUE            The settings of the new server. They name the target database, blob store and key directory

        Examples:
          To PostgreSQL and S3 (with the same credentials as the server):
            import --From old-data --Data new-data
                   --Database:ConnectionString 'Host=db;Database=updraft;Username=updraft;Password=...'
                   --Storage:Url 's3://BUCKET/updraft?region=eu-central-1'
          To PostgreSQL only. The blobs and keys stay in the data directory, which the new server uses:
            import --From data --Data data --Database:ConnectionString '...'
          To an object store only:
            import --From old-data --Data new-data --Storage:Url 'azure://ACCOUNT/CONTAINER'

        The target database must be new: no server may have started on it. The import copies the keys to the key directory of the
        target (--Keys, or 'keys' in its data directory). If the source's server had its keys in another directory, name that directory
        with --Keys. Blobs that are already in an object store stay there.

        You can run a failed or killed import again with the same arguments; it continues. Until the import is complete, no server
        starts on the target. Until a server has started on the target, you can go back and start the source's server again.

        Exit codes: 0 complete and verified, 1 not complete (the output names damaged blobs), 78 the settings are invalid.
        """;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    public static SubCommand Command { get; } = new(RunAsync) { Help = HelpText, Flags = [DryRun, AsJson], Values = [From] };

    private static async Task<int> RunAsync(IServiceProvider services, SubCommandArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Value(From) is not { } directory)
        {
            await Console.Error.WriteLineAsync("import needs --From DIRECTORY, the data directory to read. "
                + "Run 'import --help' for details.");
            return ServerCommand.BadConfiguration;
        }
        var line = new ProgressLine(services.GetRequiredService<TimeProvider>());
        await using var source = new SourceInstallation(directory);
        await using var scope = services.CreateAsyncScope();
        var import = new ImportInstallation(scope.ServiceProvider, text => line.Show(() => text));
        ImportResult result;
        try
        {
            result = arguments.Has(DryRun)
                ? await import.TryAsync(source, cancellationToken)
                : await import.RunAsync(source, cancellationToken);
        }
        catch (Exception exception) when (exception is DbException or DbUpdateException or BlobStoreException
            or InvalidOperationException { InnerException: DbException })
        {
            throw new IOException($"{exception.GetBaseException().Message} The source is unchanged. "
                + "Correct the cause, and run the import again.", exception);
        }
        finally
        {
            line.Clear();
        }
        await Console.Out.WriteLineAsync(arguments.Has(AsJson)
            ? DescribeAsJson(result, arguments.Has(DryRun))
            : DescribeAsText(result, arguments.Has(DryRun)));
        return result.IsGood ? ServerCommand.Stopped : ServerCommand.Failed;
    }

    private static string DescribeAsJson(ImportResult result, bool isDryRun) => JsonSerializer.Serialize(new
    {
        DryRun = isDryRun,
        Resumed = result.IsResumed,
        Complete = result.IsGood && !isDryRun,
        result.Tables,
        result.Blobs,
        result.BadBlobs,
        result.Scrub,
        result.Damage,
    }, Json);

    private static string DescribeAsText(ImportResult result, bool isDryRun)
    {
        var lines = new List<string>();
        lines.AddRange(result.Tables.Select(table =>
            $"{table.Name}: {table.Rows} rows{(table.Sha256.Length > 0 ? ", identical in both databases" : "")}"));
        lines.Add(isDryRun
            ? $"{result.Blobs.All} blobs to copy"
            : $"{result.Blobs.All} blobs: {result.Blobs.Copied} copied, {result.Blobs.Present} already present, "
                + $"{result.Blobs.Bytes} bytes");
        lines.AddRange(result.BadBlobs.Select(bad => $"damaged: blob {bad.Blob} of the source: {bad.Problem}"));
        if (result.Scrub is { } scrub)
            lines.Add($"scrub of the target: {ScrubCommand.Describe(scrub)}");
        lines.AddRange(result.Damage.Select(ScrubCommand.Describe));
        lines.Add((result.IsGood, isDryRun) switch
        {
            (true, true) when result.IsResumed => "A dry run; nothing was changed. The import would continue an earlier run.",
            (true, true) => "A dry run; nothing was changed.",
            (true, false) => "The import is complete. Start the server with the same settings.",
            (false, true) => "The import would fail.",
            _ => "The import is not complete. Restore the damaged blobs from a backup, and run the import again. "
                + "Until then, no server starts on the target.",
        });
        return string.Join(Environment.NewLine, lines);
    }
}
