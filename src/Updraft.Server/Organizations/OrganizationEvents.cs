using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

internal static class OrganizationEvents
{
    /// <summary>Records an event of an Organization.</summary>
    public static void Record(this EventLog events, string type, SubjectProfile by, Organization organization,
        params IEnumerable<(string Name, string? Value)> details) =>
        events.Record(type, by, new(organization.Id), new("organization", organization.Id.Value, organization.Name), details);
}
