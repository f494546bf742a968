using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>What an import has done, or would do.</summary>
/// <param name="IsResumed">Whether an earlier run had begun it.</param>
/// <param name="Tables">What was copied; with a dry run, what there is, without digests.</param>
/// <param name="Blobs">What was copied; with a dry run, what there is.</param>
/// <param name="BadBlobs">Blobs of the source that are damaged or missing; with any the import fails.</param>
/// <param name="Scrub">What was read from the target in the end; null when it did not come to that.</param>
/// <param name="Damage">What is not right in the target; with any the import fails.</param>
internal sealed record ImportResult(bool IsResumed, IReadOnlyList<CopiedTable> Tables, BlobCount Blobs, IReadOnlyList<BadBlob> BadBlobs,
    ScrubCount? Scrub, IReadOnlyList<ScrubDamage> Damage)
{
    public bool IsGood => BadBlobs.Count == 0 && Damage.Count == 0;
}

/// <summary>
/// Moves an installation of one data folder to where the settings say.
/// <list type="number">
/// <item>Keep the server of the source from starting, and other servers off the target.</item>
/// <item>See that the source is at this program's schema, and the target is empty, or an import that was broken off.</item>
/// <item>Mark the target: until the mark is gone, no server starts on it.</item>
/// <item>Copy keys and blobs. A blob is there whole or not at all.</item>
/// <item>Copy all tables in one transaction, which also compares them.</item>
/// <item>Read every blob from the target, and remove the mark.</item>
/// </list>
/// Whoever is killed in between leaves the mark; the next run skips the blobs that are there and copies the tables anew.
/// </summary>
/// <param name="services">The parts of the target's server, in a scope; asked only for what is needed, since some make folders.</param>
/// <param name="progress">Told in words how far it is.</param>
internal sealed class ImportInstallation(IServiceProvider services, Action<string> progress)
{
    private readonly string _data = Path.GetFullPath(services.GetRequiredService<IOptions<ServerOptions>>().Value.Data);
    private readonly DatabaseOptions _database = services.GetRequiredService<IOptions<DatabaseOptions>>().Value;
    private readonly BlobStoreUrl _address = services.GetRequiredService<BlobStoreUrl>();
    private readonly CopyKeys _keys = new(services.GetRequiredService<IOptions<ServerOptions>>(), services);

    private UpdraftDbContext Db => services.GetRequiredService<UpdraftDbContext>();

    private PrepareDatabase Prepare => services.GetRequiredService<PrepareDatabase>();

    /// <summary>Looks at both sides and counts; changes nothing.</summary>
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

    /// <summary>Does it.</summary>
    /// <exception cref="IOException">It cannot be done; the message says why.</exception>
    public async Task<ImportResult> RunAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        // 1
        source.Lock();
        if (_data != source.Folder)
            services.GetRequiredService<DataDirectoryLock>().Take();
        await using var turn = await Prepare.LockMigrationsAsync(cancellationToken);

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
            count => progress($"{Bar(count.Present + count.Copied, count.All)} blobs {count.Present + count.Copied} of {count.All}, {count.Bytes} bytes copied"));
        var (count, bad) = await copy.RunAsync(_address is DirectoryUrl && _data == source.Folder ? [] : blobs, cancellationToken);
        bad = [.. missing, .. bad];
        if (bad.Count > 0)
            return new ImportResult(resumed, [], count, bad, null, []);

        // 5
        var tables = await CopyTablesAsync(source, cancellationToken);

        // 6
        var damage = new List<ScrubDamage>();
        var scrub = new ScrubBundles(Db, StorageServices.OpenForReading(services), damage.Add,
            read => progress($"{Bar(read.Packs + read.Manifests, blobs.Count)} read again: {ScrubCommand.Describe(read)}"));
        var total = await scrub.RunAsync(cancellationToken);
        if (damage.Count == 0)
            await UnmarkAsync(cancellationToken);
        return new ImportResult(resumed, tables, count, bad, total, damage);
    }

    /// <summary>Sees whether the import can begin or go on; true when an earlier run had begun it.</summary>
    private async Task<bool> CheckAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        if (!_database.IsShared && _data == source.Folder)
            throw new IOException("source and target are the same database. Name another folder with --Data, or PostgreSQL with --Database:ConnectionString.");
        // Before the keys: where a server has worked there are other keys too, and that is not what is wrong.
        var resumed = await CheckTargetAsync(cancellationToken);
        _keys.Check(source);
        return resumed;
    }

    /// <summary>Whether an earlier run had begun here.</summary>
    private async Task<bool> CheckTargetAsync(CancellationToken cancellationToken)
    {
        var isThere = _database.IsShared || File.Exists(Path.Join(_data, "database", "updraft.db"));
        if (!isThere || !(await Db.Database.GetAppliedMigrationsAsync(cancellationToken)).Any())
            return false;
        if (await Db.ServerFacts.AnyAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken))
            return true;
        foreach (var table in CopyTables.InOrder(Db).Where(table => table.Name != "server_facts"))
        {
            // A table that a later schema brings is empty where it is not there yet.
            var rows = $"SELECT 1 AS \"Value\" FROM \"{table.Name}\"";
            if (await HasTableAsync(table.Name, cancellationToken) && await Db.Database.SqlQueryRaw<int>(rows).AnyAsync(cancellationToken))
                throw new IOException($"the target's database is not empty: there are rows in {table.Name}. An import needs a new database, on which no server was started.");
        }
        return false;
    }

    private async Task<bool> HasTableAsync(string name, CancellationToken cancellationToken) => await (_database.IsShared
        ? Db.Database.SqlQuery<int>($"""SELECT 1 AS "Value" FROM pg_tables WHERE schemaname = current_schema() AND tablename = {name}""")
        : Db.Database.SqlQuery<int>($"SELECT 1 AS Value FROM sqlite_master WHERE type = 'table' AND name = {name}")).AnyAsync(cancellationToken);

    /// <summary>The blobs to copy; none when they are in an object store already. And those that a version needs and that are not there.</summary>
    private async Task<(IReadOnlyList<string> All, IReadOnlyList<BadBlob> Missing)> FindBlobsAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        var all = source.BlobKeys();
        if (all.Count == 0 && _address is not DirectoryUrl)
            return (all, []);
        var needed = await source.NeededBlobsAsync(cancellationToken);
        return (all, [.. needed.Except(all, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(key => new BadBlob(key, "It is not there."))]);
    }

    private async Task MarkAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        await using var write = await Db.BeginWriteAsync(cancellationToken);
        if (await Db.ServerFacts.SingleOrDefaultAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken) is { } mark)
        {
            if (mark.Value != source.Folder)
                throw new IOException($"an import from '{mark.Value}' into this database has not ended. Go on with that one, or give this one a new database.");
            return;
        }
        Db.ServerFacts.Add(new() { Name = ServerFact.UnfinishedImport, Value = source.Folder });
        await Db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<CopiedTable>> CopyTablesAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        await using var patient = _database.IsShared ? DatabaseServices.OpenWithoutTimeout(_database) : null;
        var target = patient ?? Db;
        await using var write = await target.BeginWriteAsync(cancellationToken);
        var tables = await new CopyTables(source.Db, target, (table, rows) => progress($"{table}: {rows} rows")).RunAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return tables;
    }

    private async Task UnmarkAsync(CancellationToken cancellationToken)
    {
        await using var write = await Db.BeginWriteAsync(cancellationToken);
        await Db.ServerFacts.Where(row => row.Name == ServerFact.UnfinishedImport).ExecuteDeleteAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private static string Bar(int done, int all)
    {
        const int Width = 24;
        var filled = all == 0 ? Width : Math.Min(Width, (int)((long)done * Width / all));
        return $"[{new string('#', filled)}{new string('.', Width - filled)}]";
    }
}
