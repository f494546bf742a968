using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>
/// Writes down what is changed. It only adds a row to the database context: whoever changes something saves and commits both together, inside
/// a write transaction that has begun already.
/// </summary>
internal sealed class EventLog(UpdraftDbContext db, TimeProvider clock, IHttpContextAccessor http)
{
    /// <summary>Characters of a name or detail, at most; longer ones are cut.</summary>
    public const int MostCharacters = 500;

    private DateTimeOffset _last;

    /// <param name="type">One of <see cref="EventTypes"/>.</param>
    /// <param name="by">Who did it.</param>
    /// <param name="place">Where.</param>
    /// <param name="target">What was changed.</param>
    /// <param name="details">What a reader wants to know beside; null values are left out. Never a secret.</param>
    public void Record(string type, SubjectProfile by, EventPlace place, EventTarget target, params IEnumerable<(string Name, string? Value)> details)
    {
        // Later than the one before, since ids of one millisecond have no order.
        var now = clock.GetUtcNow();
        _last = now > _last ? now : _last.AddTicks(1);
        db.Events.Add(new()
        {
            Id = new(EntityId.New(clock)),
            At = _last,
            Type = type,
            OrganizationId = place.Organization,
            WorkspaceId = place.Workspace,
            DeploymentId = place.Deployment,
            DeployId = place.Deploy,
            By = by,
            TargetType = target.Type,
            TargetId = target.Id,
            TargetName = Cut(target.Name),
            Details = details.Where(detail => detail.Value is not null).ToDictionary(detail => detail.Name, detail => Cut(detail.Value!), StringComparer.Ordinal),
            RequestId = http.HttpContext?.TraceIdentifier,
            IsPending = EventTypes.IsTold(type),
        });
    }

    private static string Cut(string text)
    {
        if (text.Length <= MostCharacters)
            return text;
        // Not through the middle of a pair.
        var end = char.IsHighSurrogate(text[MostCharacters - 2]) ? MostCharacters - 2 : MostCharacters - 1;
        return text[..end] + "…";
    }
}
