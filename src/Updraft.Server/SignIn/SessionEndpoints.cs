using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>Endpoints of the status and the sessions of users. The contract has none, so they have URLs of their own.</summary>
internal static class SessionEndpoints
{
    private const int MaxSessions = 1000;

    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var user = routes.MapGroup("/organizations/{organizationId}/users/{userId}");
        user.MapPost("/status", SetStatusAsync).Requires(Permission.ManageUsers).Operation<UpdateUserStatusRequest>("UpdateUserStatus");
        user.MapGet("/sessions", ListAsync).Requires(Permission.ManageUsers).Operation("ListUserSessions");
        user.MapDelete("/sessions", EndAsync).Requires(Permission.ManageUsers).Operation("EndUserSessions");
    }

    private static async Task<UserResponse> SetStatusAsync(UserId userId, HttpRequest request, Subject subject, ChangeUserStatus change,
        UserQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateUserStatusRequest, cancellationToken);
        var status = TextLimit.OneOf(body.Status ?? "", "status", "", "ACTIVE", "INACTIVE");
        await change.SetAsync(subject, userId, status == "ACTIVE" ? UserStatus.Active : UserStatus.Inactive, cancellationToken);
        return await queries.GetAsync(subject, ApiVersion.V1, userId, cancellationToken);
    }

    private static async Task<UserSessionsResponse> ListAsync(UserId userId, Subject subject, UserQueries queries, UpdraftDbContext db,
        IOptions<SignInOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var user = new UserId((await queries.GetAsync(subject, ApiVersion.V1, userId, cancellationToken)).Id);
        var now = clock.GetUtcNow();
        var (oldest, idle) = (now - options.Value.SessionLifetime, now - options.Value.SessionIdle);
        var web = await db.WebSessions.AsNoTracking()
            .Where(row => row.UserId == user && row.EndedAt == null && row.CreatedAt > oldest && row.LastUsedAt > idle)
            .OrderByDescending(row => row.CreatedAt).Take(MaxSessions).ToListAsync(cancellationToken);
        var cli = await db.LoginSessions.AsNoTracking()
            .Where(row => row.UserId == user && row.RevokedAt == null && row.ExpiresAt > now)
            .OrderByDescending(row => row.CreatedAt).Take(MaxSessions).ToListAsync(cancellationToken);
        return new UserSessionsResponse
        {
            Sessions =
            [
                .. web.Select(row => new UserSessionResponse
                {
                    Kind = "WEB",
                    CreatedAt = row.CreatedAt,
                    ExpiresAt = Earlier(row.LastUsedAt + options.Value.SessionIdle, row.CreatedAt + options.Value.SessionLifetime),
                    ClientAddress = row.ClientAddress,
                    UserAgent = row.UserAgent,
                }).Concat(cli.Select(row => new UserSessionResponse
                {
                    Kind = "CLI",
                    CreatedAt = row.CreatedAt,
                    ExpiresAt = row.ExpiresAt,
                })).OrderByDescending(session => session.CreatedAt),
            ],
        };
    }

    private static async Task<IResult> EndAsync(UserId userId, Subject subject, ChangeUserStatus change, CancellationToken cancellationToken)
    {
        await change.EndSessionsAsync(subject, userId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
