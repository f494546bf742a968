using Updraft.Protocol.Cryptography;

namespace Updraft.Protocol;

/// <summary>A typed id. Each kind of id has its own type, so that the compiler rejects an id of another kind.</summary>
/// <typeparam name="TSelf">The id type itself.</typeparam>
public interface IEntityId<TSelf>
    where TSelf : struct, IEntityId<TSelf>
{
    /// <summary>The id as text, for URLs and JSON.</summary>
    string Value { get; }

    /// <summary>Wraps a valid id. The method does not validate it.</summary>
    static abstract TSelf From(string value);
}

/// <summary>Creates and recognizes ids: <c>c</c> and 24 of <c>[a-z0-9]</c>, which is the form of Astro's cuids.</summary>
public static class EntityId
{
    /// <summary>Length of every id, in characters.</summary>
    public const int Length = 25;

    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const int TimeLength = 9;

    /// <summary>Creates an id. It sorts after all ids that were created in an earlier millisecond.</summary>
    public static string New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return string.Create(Length, clock.GetUtcNow().ToUnixTimeMilliseconds(), static (id, milliseconds) =>
        {
            id[0] = 'c';
            for (var i = TimeLength; i > 0; i--, milliseconds /= 36)
                id[i] = Alphabet[(int)(milliseconds % 36)];
            PortableCryptography.Randomize(Alphabet, id[(TimeLength + 1)..]);
        });
    }

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsValid(string? value)
    {
        if (value is not { Length: Length } || value[0] != 'c')
            return false;
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c))
                return false;
        }
        return true;
    }
}

/// <summary>Identifies one Organization, the top of the tenancy; 25 characters, time-ordered.</summary>
public readonly record struct OrganizationId(string Value) : IEntityId<OrganizationId>
{
    /// <inheritdoc/>
    public static OrganizationId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out OrganizationId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one Workspace of an Organization; 25 characters, time-ordered.</summary>
public readonly record struct WorkspaceId(string Value) : IEntityId<WorkspaceId>
{
    /// <inheritdoc/>
    public static WorkspaceId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out WorkspaceId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one Deployment, that is, one Airflow environment; 25 characters, time-ordered.</summary>
public readonly record struct DeploymentId(string Value) : IEntityId<DeploymentId>
{
    /// <inheritdoc/>
    public static DeploymentId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out DeploymentId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one deploy in the history of a Deployment; 25 characters, time-ordered.</summary>
public readonly record struct DeployId(string Value) : IEntityId<DeployId>
{
    /// <inheritdoc/>
    public static DeployId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out DeployId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of an API token or agent token.</summary>
public readonly record struct TokenId(string Value) : IEntityId<TokenId>
{
    /// <inheritdoc/>
    public static TokenId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out TokenId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one enrolled data-plane process; 25 characters, time-ordered.</summary>
public readonly record struct AgentId(string Value) : IEntityId<AgentId>
{
    /// <inheritdoc/>
    public static AgentId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out AgentId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one bundle of a Deployment; 25 characters, time-ordered.</summary>
public readonly record struct BundleId(string Value) : IEntityId<BundleId>
{
    /// <inheritdoc/>
    public static BundleId From(string value) => new(value);

    /// <summary>Binds a route value. Every text is valid, because an unknown id leads to 404 and not to 400.</summary>
    public static bool TryParse(string? value, out BundleId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one audit event; 25 characters, time-ordered.</summary>
public readonly record struct EventId(string Value) : IEntityId<EventId>
{
    /// <inheritdoc/>
    public static EventId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out EventId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one user who signs in; 25 characters, time-ordered.</summary>
public readonly record struct UserId(string Value) : IEntityId<UserId>
{
    /// <inheritdoc/>
    public static UserId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out UserId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Identifies one webhook; 25 characters, time-ordered.</summary>
public readonly record struct WebhookId(string Value) : IEntityId<WebhookId>
{
    /// <inheritdoc/>
    public static WebhookId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out WebhookId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of the delivery of one event to one webhook.</summary>
public readonly record struct DeliveryId(string Value) : IEntityId<DeliveryId>
{
    /// <inheritdoc/>
    public static DeliveryId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out DeliveryId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}
