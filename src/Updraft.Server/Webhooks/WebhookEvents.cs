using Updraft.Server.Api;
using Updraft.Server.Events;

namespace Updraft.Server.Webhooks;

/// <summary>The events that webhooks can send.</summary>
internal static class WebhookEvents
{
    /// <summary>A test, which every webhook takes and nobody can choose.</summary>
    public const string Test = EventTypes.WebhookTest;

    public const string Created = EventTypes.DeployCreated, Finalized = EventTypes.DeployFinalized, Active = EventTypes.DeployActive,
        Failed = EventTypes.DeployFailed, RolledBack = EventTypes.DeployRolledBack;

    /// <summary>All that can be chosen, in the order in which they happen.</summary>
    public static IReadOnlyList<string> All { get; } = [Created, Finalized, Active, Failed, RolledBack];

    /// <summary>Checks a choice; everything when there is none.</summary>
    /// <exception cref="ApiException">400: an event that there is not, or an empty choice.</exception>
    public static IReadOnlyList<string> Check(IReadOnlyList<string>? chosen)
    {
        if (chosen is null)
            return All;
        foreach (var type in chosen)
            TextLimit.OneOf(type ?? "", "eventTypes", "", [.. All]);
        return chosen.Count > 0 ? [.. All.Where(type => chosen.Contains(type, StringComparer.Ordinal))]
            : throw ApiException.BadRequest($"'eventTypes' is empty; choose of {string.Join(", ", All)}.");
    }
}
