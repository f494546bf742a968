using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>
/// Keeps a server off a database that others use with other keys: what one of them signs, the others would refuse. The first server's
/// keys are the ones that count.
/// </summary>
internal sealed class CheckKeys(UpdraftDbContext db, IEnumerable<SharedKey> keys, IOptions<DatabaseOptions> database, IOptions<ServerOptions> server)
{
    /// <summary>Compares this server's keys with those on record, and records the ones that are not.</summary>
    /// <exception cref="IOException">A key is not the one that the other servers have.</exception>
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
                    throw Refuse(key, fact.Value);
                fact.Value = key.Id;
            }
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private IOException Refuse(SharedKey key, string wanted) => new(
        $"the key '{Path.Join(server.Value.KeyDirectory(), key.File)}' is {key.Id}, and the servers on this database use {wanted}. "
        + "Give this server the same folder of keys (--Keys), or a copy of it. To change the key on all servers, stop them, "
        + "and start the first one once with --Database:AcceptKeys true.");
}
