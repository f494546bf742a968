using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>The result of an import or of a dry run.</summary>
/// <param name="IsResumed">Whether the import continued an earlier run.</param>
/// <param name="Tables">The copied tables. After a dry run: the tables of the source, without digests.</param>
/// <param name="Blobs">The copied blobs. After a dry run: the blobs of the source.</param>
/// <param name="BadBlobs">Damaged or missing blobs of the source. If there are any, the import fails.</param>
/// <param name="Scrub">Numbers of the final scrub of the target; null if the import failed before it.</param>
/// <param name="Damage">Problems that the scrub found in the target. If there are any, the import fails.</param>
internal sealed record ImportResult(bool IsResumed, IReadOnlyList<CopiedTable> Tables, BlobCount Blobs, IReadOnlyList<BadBlob> BadBlobs,
    ScrubCount? Scrub, IReadOnlyList<ScrubDamage> Damage)
{
    public bool IsGood => BadBlobs.Count == 0 && Damage.Count == 0;
}

/// <summary>
/// Moves an installation from one data directory to the database and the blob store of the settings.
/// <list type="number">
/// <item>Take the locks that prevent a start of the source's server, and of servers on the target.</item>
/// <item>Check that the source has the schema of this program, and that the target is empty or has an incomplete import.</item>
/// <item>Mark the target: servers refuse to start on it until the mark is removed.</item>
/// <item>Copy keys and blobs. A blob is visible completely or not at all.</item>
/// <item>Copy all tables in one transaction, and compare them.</item>
/// <item>Scrub the target, then remove the mark.</item>
/// </list>
/// If the process is killed, the mark stays. The next run skips the copied blobs and copies the tables again.
/// </summary>
/// <param name="services">Scoped services of the target's server. Resolved only when needed, because some create directories.</param>
/// <param name="progress">Called with a text about the progress.</param>
internal sealed class ImportInstallation(IServiceProvider services, Action<string> progress)
{
    private readonly string _data = Path.GetFullPath(services.GetRequiredService<IOptions<ServerOptions>>().Value.Data);
    private readonly DatabaseOptions _database = services.GetRequiredService<IOptions<DatabaseOptions>>().Value;
    private readonly BlobStoreUrl _blobStore = services.GetRequiredService<BlobStoreUrl>();
    private readonly CopyKeys _keys = new(services.GetRequiredService<IOptions<ServerOptions>>(), services);

    private UpdraftDbContext Db => services.GetRequiredService<UpdraftDbContext>();

    private PrepareDatabase Prepare => services.GetRequiredService<PrepareDatabase>();

    /// <summary>Checks source and target, and counts rows and blobs. It changes nothing.</summary>
    public async Task<ImportResult> TryAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        await source.BeginAsync(cancellationToken);
        var resumed = await CheckAsync(source, cancellationToken);
        var tables = new List<CopiedTable>();
        foreach (var table in CopyTables.InOrder(source.Db))
        {
            var count = $"SELECT count(*) AS \"Value\" FROM \"{table.Name}\"";
            tables.Add(new CopiedTable(table.Name, await source.Db.Database.SqlQueryRaw<long>(count).SingleAsync(cancellationToken), ""));
        }
        var (blobs, missing) = await FindBlobsAsync(source, cancellationToken);
        return new ImportResult(resumed, tables, new BlobCount(blobs.Count, 0, 0, 0), missing, null, []);
    }

    /// <summary>Runs the import.</summary>
    /// <exception cref="IOException">The import is impossible; the message has the reason and the next step.</exception>
    public async Task<ImportResult> RunAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        // 1
        source.Lock();
        if (_data != source.DataDirectory)
            services.GetRequiredService<DataDirectoryLock>().Take();
        await using var migrationLock = await Prepare.LockMigrationsAsync(cancellationToken);

        // 2
        await source.BeginAsync(cancellationToken);
        var resumed = await CheckAsync(source, cancellationToken);
        var (blobs, missing) = await FindBlobsAsync(source, cancellationToken);

        // 3
        await Prepare.MigrateSchemaAsync(cancellationToken);
        await MarkAsync(source, cancellationToken);

        // 4
        await _keys.RunAsync(source, cancellationToken);
        var copy = new CopyBlobs(source.Store, services.GetRequiredService<IBlobStore>(),
            count => progress($"{ProgressBar(count.Present + count.Copied, count.All)} "
                + $"blobs {count.Present + count.Copied} of {count.All}, {count.Bytes} bytes copied"));
        var (count, bad) = await copy.RunAsync(_blobStore is DirectoryUrl && _data == source.DataDirectory ? [] : blobs, cancellationToken);
        bad = [.. missing, .. bad];
        if (bad.Count > 0)
            return new ImportResult(resumed, [], count, bad, null, []);

        // 5
        var tables = await CopyTablesAsync(source, cancellationToken);

        // 6
        var damage = new List<ScrubDamage>();
        var scrub = new ScrubBundles(Db, StorageServices.OpenForReading(services), damage.Add,
            read => progress($"{ProgressBar(read.Packs + read.Manifests, blobs.Count)} scrub: {ScrubCommand.Describe(read)}"));
        var total = await scrub.RunAsync(cancellationToken);
        if (damage.Count == 0)
            await UnmarkAsync(cancellationToken);
        return new ImportResult(resumed, tables, count, bad, total, damage);
    }

    /// <summary>Checks that the import can start or continue. True if it continues an earlier run.</summary>
    private async Task<bool> CheckAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        if (!_database.IsShared && _data == source.DataDirectory)
            throw new IOException("source and target are the same database. Name another data directory with --Data, "
                + "or PostgreSQL with --Database:ConnectionString.");
        // Before the keys: a target that a server has used has other keys too, but the database is the reason to reject it.
        var resumed = await CheckTargetAsync(cancellationToken);
        _keys.Check(source);
        return resumed;
    }

    /// <summary>Checks that the target is empty or has an incomplete import. True in the second case.</summary>
    private async Task<bool> CheckTargetAsync(CancellationToken cancellationToken)
    {
        var exists = _database.IsShared || File.Exists(Path.Join(_data, "database", "updraft.db"));
        if (!exists || !(await Db.Database.GetAppliedMigrationsAsync(cancellationToken)).Any())
            return false;
        if (await Db.ServerFacts.AnyAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken))
            return true;
        foreach (var table in CopyTables.InOrder(Db).Where(table => table.Name != "server_facts"))
        {
            // A database of an older schema lacks later tables.
            var rows = $"SELECT 1 AS \"Value\" FROM \"{table.Name}\"";
            if (await HasTableAsync(table.Name, cancellationToken) && await Db.Database.SqlQueryRaw<int>(rows).AnyAsync(cancellationToken))
                throw new IOException($"the database of the target is not empty: the table {table.Name} has rows. "
                    + "An import needs a new database, on which no server was started.");
        }
        return false;
    }

    private async Task<bool> HasTableAsync(string name, CancellationToken cancellationToken) => await (_database.IsShared
        ? Db.Database.SqlQuery<int>($"""SELECT 1 AS "Value" FROM pg_tables WHERE schemaname = current_schema() AND tablename = {name}""")
        : Db.Database.SqlQuery<int>($"SELECT 1 AS Value FROM sqlite_master WHERE type = 'table' AND name = {name}"))
        .AnyAsync(cancellationToken);

    /// <summary>
    /// Lists the blobs to copy, and the missing blobs that a version needs. Both are empty if the source has no blobs and the target uses
    /// an object store: then the blobs are already in that store.
    /// </summary>
    private async Task<(IReadOnlyList<string> All, IReadOnlyList<BadBlob> Missing)> FindBlobsAsync(SourceInstallation source,
        CancellationToken cancellationToken)
    {
        var all = source.BlobKeys();
        if (all.Count == 0 && _blobStore is not DirectoryUrl)
            return (all, []);
        var needed = await source.NeededBlobsAsync(cancellationToken);
        return (all, [.. needed.Except(all, StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(key => new BadBlob(key, "It is missing."))]);
    }

    private async Task MarkAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        await using var write = await Db.BeginWriteAsync(cancellationToken);
        if (await Db.ServerFacts.SingleOrDefaultAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken) is { } mark)
        {
            if (mark.Value != source.DataDirectory)
                throw new IOException($"an import from '{mark.Value}' into this database is incomplete. "
                    + "Complete that import, or use a new database.");
            return;
        }
        Db.ServerFacts.Add(new() { Name = ServerFact.UnfinishedImport, Value = source.DataDirectory });
        await Db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<CopiedTable>> CopyTablesAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        await using var unpooled = _database.IsShared ? DatabaseServices.OpenWithoutTimeout(_database) : null;
        var target = unpooled ?? Db;
        await using var write = await target.BeginWriteAsync(cancellationToken);
        var tables = await new CopyTables(source.Db, target, (table, rows) => progress($"{table}: {rows} rows"))
            .RunAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return tables;
    }

    private async Task UnmarkAsync(CancellationToken cancellationToken)
    {
        await using var write = await Db.BeginWriteAsync(cancellationToken);
        await Db.ServerFacts.Where(row => row.Name == ServerFact.UnfinishedImport).ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private static string ProgressBar(int done, int all)
    {
        const int Width = 24;
        var filled = all == 0 ? Width : Math.Min(Width, (int)((long)done * Width / all));
        return $"[{new string('#', filled)}{new string('.', Width - filled)}]";
    }
}
