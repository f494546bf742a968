using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

/// <summary>Replaces the settings of an Organization. Updraft stores them, and uses only the name.</summary>
internal sealed class UpdateOrganization(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    private const int MaxName = 50, MaxEmail = 255;

    /// <exception cref="ApiException">400: a required field is missing or invalid. 404: the Organization does not exist.</exception>
    public async Task<Organization> RunAsync(Subject subject, OrganizationId id, UpdateOrganizationRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", MaxName);
        if (request.BillingEmail is null || request.IsScimEnabled is null)
            throw ApiException.BadRequest("An update replaces all settings. Send 'billingEmail' and 'isScimEnabled' too.");
        TextLimit.Check(request.BillingEmail, "billingEmail", MaxEmail);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        var organization = await db.LockOrganizationAsync(id, cancellationToken);
        var changed = Changed.Names(("name", organization.Name, name), ("billingEmail", organization.BillingEmail, request.BillingEmail));
        organization.Name = name;
        organization.BillingEmail = request.BillingEmail;
        organization.IsScimEnabled = request.IsScimEnabled.Value;
        organization.AllowEnhancedSupportAccess = request.AllowEnhancedSupportAccess ?? false;
        organization.HasAiFeaturesDisabled = request.HasAiFeaturesDisabled;
        organization.ShouldEnforceDedicatedClusters = request.ShouldEnforceDedicatedClusters ?? false;
        (organization.UpdatedAt, organization.UpdatedBy) = (clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.OrganizationUpdated, subject.Profile, organization, (Changed.Detail, changed));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return organization;
    }
}
