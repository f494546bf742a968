using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Events;

/// <summary>While it lives, the server's database accepts everything but new events. Disposing ends that.</summary>
internal sealed class RejectedEvents : IAsyncDisposable
{
    private readonly UpdraftServer _server;

    private RejectedEvents(UpdraftServer server) => _server = server;

    public static async Task<RejectedEvents> StartAsync(UpdraftServer server)
    {
        await RunAsync(server, server.ConnectionString is null
            ? "CREATE TRIGGER reject_events BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'The test rejects events.'); END"
            : """
              CREATE FUNCTION reject_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'The test rejects events.'; END $$;
              CREATE TRIGGER reject_events BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION reject_events()
              """);
        return new(server);
    }

    public async ValueTask DisposeAsync() => await RunAsync(_server, _server.ConnectionString is null
        ? "DROP TRIGGER reject_events"
        : "DROP TRIGGER reject_events ON events; DROP FUNCTION reject_events()");

    private static async Task RunAsync(UpdraftServer server, string sql)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        await using var write = await db.BeginWriteAsync(CancellationToken.None);
        await db.Database.ExecuteSqlRawAsync(sql);
        await write.CommitAsync(CancellationToken.None);
    }
}
