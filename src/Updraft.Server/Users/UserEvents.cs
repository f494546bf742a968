using Updraft.Protocol;
using Updraft.Server.Events;
using Updraft.Server.Security;
using Updraft.Server.Tokens;

namespace Updraft.Server.Users;

internal static class UserEvents
{
    /// <summary>Records the first sign-in of a user.</summary>
    public static void RecordCreation(this EventLog events, User user) =>
        events.Record(EventTypes.UserCreated, user.ToSubject().Profile, new(user.OrganizationId), Target(user),
            ("roles", user.Grants.Describe()));

    /// <summary>Records a change of a user's roles. The event belongs to a Workspace if all changed roles lie in it.</summary>
    /// <param name="events">The log.</param>
    /// <param name="by">The subject that changed the roles.</param>
    /// <param name="user">The user, with the new roles.</param>
    /// <param name="before">The previous roles.</param>
    /// <param name="means">The cause of the change if it was not a request; else null.</param>
    public static void RecordRoles(this EventLog events, SubjectProfile by, User user, IReadOnlyCollection<Grant> before,
        string? means = null)
    {
        var workspaces = Without(before, user.Grants).Concat(Without(user.Grants, before)).Select(grant => grant.WorkspaceId).Distinct()
            .ToList();
        var workspace = workspaces is [{ } only] ? only : (WorkspaceId?)null;
        var listed = workspace is null ? user.Grants : user.Grants.Where(grant => grant.WorkspaceId == workspace);
        var listedBefore = workspace is null ? before : before.Where(grant => grant.WorkspaceId == workspace);
        events.Record(EventTypes.UserRolesChanged, by, new(user.OrganizationId, workspace), Target(user),
            ("before", listedBefore.Describe()), ("roles", listed.Describe()), ("means", means));
    }

    /// <summary>Records that a user was activated or deactivated.</summary>
    public static void RecordStatus(this EventLog events, SubjectProfile by, User user) =>
        events.Record(user.Status == UserStatus.Active ? EventTypes.UserActivated : EventTypes.UserDeactivated, by,
            new(user.OrganizationId), Target(user));

    /// <summary>Records that another user or token ended all sessions of a user.</summary>
    public static void RecordEndOfSessions(this EventLog events, SubjectProfile by, User user) =>
        events.Record(EventTypes.UserSessionsEnded, by, new(user.OrganizationId), Target(user));

    /// <summary>A copy of the user's roles, because a change of a role changes the existing object.</summary>
    public static IReadOnlyList<Grant> CopyGrants(this User user) => [.. user.Grants.Select(grant => new Grant
    {
        EntityId = grant.EntityId,
        Role = grant.Role,
        WorkspaceId = grant.WorkspaceId,
        DeploymentId = grant.DeploymentId,
    })];

    /// <summary>Whether the user's roles differ from the previous ones.</summary>
    public static bool HasOtherGrantsThan(this User user, IReadOnlyCollection<Grant> before) =>
        Without(before, user.Grants).Any() || Without(user.Grants, before).Any();

    private static IEnumerable<Grant> Without(IEnumerable<Grant> grants, IEnumerable<Grant> others) =>
        grants.Where(grant => !others.Any(other => other.EntityId == grant.EntityId && other.Role == grant.Role));

    private static EventTarget Target(User user) => new("user", user.Id.Value, user.FullName);
}
