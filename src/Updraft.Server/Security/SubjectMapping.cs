using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Security;

internal static class SubjectMapping
{
    /// <summary>A subject in the API, where agents are tokens.</summary>
    public static SubjectProfileResponse ToResponse(this SubjectProfile subject) => subject.Kind == SubjectKind.User
        ? new SubjectProfileResponse { Id = subject.Id, SubjectType = "USER", Username = subject.Name, FullName = subject.FullName
            ?? subject.Name }
        : new SubjectProfileResponse { Id = subject.Id, SubjectType = "SERVICEKEY", ApiTokenName = subject.Name };

    /// <summary>Roles in the API, grouped by the kind of scope.</summary>
    public static SubjectRolesResponse ToResponse(this IReadOnlyCollection<Grant> grants, ApiVersion version) => new()
    {
        OrganizationRole = grants.FirstOrDefault(grant => grant.WorkspaceId is null)?.Role.Name(),
        WorkspaceRoles = Shown(grants.Where(grant => grant.WorkspaceId is not null && grant.DeploymentId is null)
            .Select(grant => new WorkspaceRole { WorkspaceId = grant.EntityId, Role = grant.Role.Name() }), version),
        DeploymentRoles = Shown(grants.Where(grant => grant.DeploymentId is not null)
            .Select(grant => new DeploymentRole { DeploymentId = grant.EntityId, Role = grant.Role.Name() }), version),
    };

    private static List<T>? Shown<T>(IEnumerable<T> roles, ApiVersion version) =>
        roles.ToList() is var list && list.Count == 0 && version.IsDeclarative ? null : list;
}
