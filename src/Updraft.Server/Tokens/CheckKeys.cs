using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>
/// Stops the start of a replica whose keys differ from the keys of the other replicas on the database: the replicas would reject each
/// other's signatures. The first replica records its keys.
/// </summary>
internal sealed class CheckKeys(UpdraftDbContext db, IEnumerable<SharedKey> keys, IOptions<DatabaseOptions> database,
    IOptions<ServerOptions> server)
{
    /// <summary>Compares the keys of this replica with the recorded ones, and records missing ones.</summary>
    /// <exception cref="IOException">A key differs from the key of the other replicas.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        foreach (var key in keys)
        {
            var name = $"key_{key.Name}";
            var fact = await db.ServerFacts.SingleOrDefaultAsync(row => row.Name == name, cancellationToken);
            if (fact is null)
            {
                db.ServerFacts.Add(new() { Name = name, Value = key.Id });
            }
            else if (fact.Value != key.Id)
            {
                if (database.Value is { IsShared: true, AcceptKeys: false })
                    throw Mismatch(key, fact.Value);
                fact.Value = key.Id;
            }
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private IOException Mismatch(SharedKey key, string recorded) => new(
        $"the key '{Path.Join(server.Value.KeyDirectory(), key.File)}' has the ID {key.Id}, but the replicas on this database use "
            + $"{recorded}. "
        + "Use the same directory of keys (--Keys), or a copy of it. To change the key on all replicas, stop them, "
        + "and start the first one once with --Database:AcceptKeys true.");
}
