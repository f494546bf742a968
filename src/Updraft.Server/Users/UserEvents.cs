using Updraft.Protocol;
using Updraft.Server.Events;
using Updraft.Server.Security;
using Updraft.Server.Tokens;

namespace Updraft.Server.Users;

internal static class UserEvents
{
    /// <summary>Records that somebody came in for the first time.</summary>
    public static void RecordCreation(this EventLog events, User user) =>
        events.Record(EventTypes.UserCreated, user.ToSubject().Profile, new(user.OrganizationId), Target(user), ("roles", user.Grants.Said()));

    /// <summary>Records the roles that somebody has now. The event belongs to a Workspace when all that was changed lies in it.</summary>
    /// <param name="events">The log.</param>
    /// <param name="by">Who changed them.</param>
    /// <param name="user">Whose roles.</param>
    /// <param name="before">The roles until now.</param>
    /// <param name="means">What changed them, when it was no request.</param>
    public static void RecordRoles(this EventLog events, SubjectProfile by, User user, IReadOnlyCollection<Grant> before, string? means = null)
    {
        var places = Without(before, user.Grants).Concat(Without(user.Grants, before)).Select(grant => grant.WorkspaceId).Distinct().ToList();
        var workspace = places is [{ } only] ? only : (WorkspaceId?)null;
        var said = workspace is null ? user.Grants : user.Grants.Where(grant => grant.WorkspaceId == workspace);
        var saidBefore = workspace is null ? before : before.Where(grant => grant.WorkspaceId == workspace);
        events.Record(EventTypes.UserRolesChanged, by, new(user.OrganizationId, workspace), Target(user),
            ("before", saidBefore.Said()), ("roles", said.Said()), ("means", means));
    }

    /// <summary>The roles as they are now, to be kept: changing a role changes the row that has it.</summary>
    public static IReadOnlyList<Grant> Copy(this User user) => [.. user.Grants.Select(grant => new Grant
    {
        EntityId = grant.EntityId,
        Role = grant.Role,
        WorkspaceId = grant.WorkspaceId,
        DeploymentId = grant.DeploymentId,
    })];

    /// <summary>Whether the roles are not the ones before.</summary>
    public static bool HasOthersThan(this User user, IReadOnlyCollection<Grant> before) =>
        Without(before, user.Grants).Any() || Without(user.Grants, before).Any();

    private static IEnumerable<Grant> Without(IEnumerable<Grant> grants, IEnumerable<Grant> others) =>
        grants.Where(grant => !others.Any(other => other.EntityId == grant.EntityId && other.Role == grant.Role));

    private static EventTarget Target(User user) => new("user", user.Id.Value, user.FullName);
}
