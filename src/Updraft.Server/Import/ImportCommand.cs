using System.Data.Common;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Import;

/// <summary>The sub-command <c>import</c>: prints what <see cref="ImportInstallation"/> does.</summary>
internal static class ImportCommand
{
    private const string From = "--From", DryRun = "--dry-run", AsJson = "--json";

    private const string HelpText = """
        Moves an installation that is one data folder (SQLite, and blobs in it) to another database, another blob store, or both, and verifies
        what has arrived. The source is only read. Stop its server first.

        Usage: Updraft.Server import --From FOLDER [--dry-run] [--json] [--NAME VALUE]...

          --From FOLDER           The data folder to read
          --dry-run               Looks at both sides, says what would be copied, and changes nothing; also beside the source's server
          --json                  One JSON object instead of lines
          --NAME VALUE            The settings with which the server will run: they say where everything goes

        Examples:
          To PostgreSQL and S3 (credentials as the server gets them):
            import --From old-data --Data new-data --Database:ConnectionString 'Host=db;Database=updraft;Username=updraft;Password=...'
                   --Storage:Url 's3://BUCKET/updraft?region=eu-central-1'
          To PostgreSQL only; blobs and keys stay in the folder, in which the server goes on:
            import --From data --Data data --Database:ConnectionString '...'
          To an object store only:
            import --From old-data --Data new-data --Storage:Url 'azure://ACCOUNT/CONTAINER'

        The target's database must be new: one on which no server was started. Keys are copied to the folder of keys of the target (--Keys, or
        keys in its data folder); when the source's server had its keys elsewhere, name that folder with --Keys. Blobs that are in an object
        store already stay there.

        An import that fails or is killed can be run again with the same arguments at any time; it goes on where it was. Until it has ended, no
        server starts on the target. The source's server can be started again instead, as long as the new one has not worked.

        Exit codes: 0 everything is there and verified, 1 it is not (a damaged blob is named), 78 the settings are wrong.
        """;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    public static SubCommand Command { get; } = new(RunAsync) { Help = HelpText, Flags = [DryRun, AsJson], Values = [From] };

    private static async Task<int> RunAsync(IServiceProvider services, SubCommandArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Value(From) is not { } folder)
        {
            await Console.Error.WriteLineAsync("import needs --From FOLDER, the data folder to read; import --help says more.");
            return ServerCommand.BadConfiguration;
        }
        var line = new ProgressLine(services.GetRequiredService<TimeProvider>());
        await using var source = new SourceInstallation(folder);
        await using var scope = services.CreateAsyncScope();
        var import = new ImportInstallation(scope.ServiceProvider, text => line.Show(() => text));
        ImportResult result;
        try
        {
            result = arguments.Has(DryRun) ? await import.TryAsync(source, cancellationToken) : await import.RunAsync(source, cancellationToken);
        }
        catch (Exception exception) when (exception is DbException or DbUpdateException or BlobStoreException or InvalidOperationException { InnerException: DbException })
        {
            throw new IOException($"{exception.GetBaseException().Message} Nothing is lost; run the import again when that is mended.", exception);
        }
        finally
        {
            line.Clear();
        }
        await Console.Out.WriteLineAsync(arguments.Has(AsJson) ? Describe(result, arguments.Has(DryRun)) : DescribeInWords(result, arguments.Has(DryRun)));
        return result.IsGood ? ServerCommand.Stopped : ServerCommand.Failed;
    }

    private static string Describe(ImportResult result, bool isDryRun) => JsonSerializer.Serialize(new
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

    private static string DescribeInWords(ImportResult result, bool isDryRun)
    {
        var lines = new List<string>();
        lines.AddRange(result.Tables.Select(table => $"{table.Name}: {table.Rows} rows{(table.Sha256.Length > 0 ? ", the same in both databases" : "")}"));
        lines.Add(isDryRun
            ? $"{result.Blobs.All} blobs to copy"
            : $"{result.Blobs.All} blobs: {result.Blobs.Copied} copied, {result.Blobs.Present} there already, {result.Blobs.Bytes} bytes");
        lines.AddRange(result.BadBlobs.Select(bad => $"damaged: blob {bad.Blob} of the source: {bad.Problem}"));
        if (result.Scrub is { } scrub)
            lines.Add($"read again: {ScrubCommand.Describe(scrub)}");
        lines.AddRange(result.Damage.Select(ScrubCommand.Describe));
        lines.Add((result.IsGood, isDryRun) switch
        {
            (true, true) => result.IsResumed ? "A dry run; nothing was changed. The import would go on where it was." : "A dry run; nothing was changed.",
            (true, false) => "The import is complete. Start the server with the same settings.",
            (false, true) => "The import would fail.",
            _ => "The import is not complete. Mend what is damaged, from a backup, and run it again; until then no server starts on the target.",
        });
        return string.Join(Environment.NewLine, lines);
    }
}
