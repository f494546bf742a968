using Updraft.Protocol.Api;

namespace Updraft.Server.Security;

internal static class SubjectMapping
{
    /// <summary>A subject on the wire; agents count as tokens there.</summary>
    public static SubjectProfileResponse ToResponse(this SubjectProfile subject) => subject.Kind == SubjectKind.User
        ? new SubjectProfileResponse { Id = subject.Id, SubjectType = "USER", Username = subject.Name, FullName = subject.Name }
        : new SubjectProfileResponse { Id = subject.Id, SubjectType = "SERVICEKEY", ApiTokenName = subject.Name };
}
