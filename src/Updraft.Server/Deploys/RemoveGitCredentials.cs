using Microsoft.EntityFrameworkCore;
using Updraft.Server.Database;

namespace Updraft.Server.Deploys;

/// <summary>
/// Removes users and passwords from the URLs of deploys that earlier versions stored. It runs once for a database, at the start of the
/// first server of this version.
/// </summary>
internal sealed class RemoveGitCredentials(UpdraftDbContext db)
{
    private const string Done = "git_credentials_removed";
    private const int BatchSize = 500;

    /// <summary>Idempotent. The caller holds the migration lock.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await db.ServerFacts.AnyAsync(row => row.Name == Done, cancellationToken))
            return;
        var found = await db.Deploys.Where(row => row.GitText.Contains("://")).Select(row => row.Id).ToListAsync(cancellationToken);
        foreach (var ids in found.Chunk(BatchSize))
        {
            await using var write = await db.BeginWriteAsync(cancellationToken);
            foreach (var deploy in await db.Deploys.Where(row => ids.Contains(row.Id)).ToListAsync(cancellationToken))
                deploy.RemoveGitCredentials();
            await db.SaveChangesAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
            db.ChangeTracker.Clear();
        }
        await using var last = await db.BeginWriteAsync(cancellationToken);
        db.ServerFacts.Add(new() { Name = Done, Value = "1" });
        await db.SaveChangesAsync(cancellationToken);
        await last.CommitAsync(cancellationToken);
    }
}
