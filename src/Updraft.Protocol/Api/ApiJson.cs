using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>JSON of the public API, without reflection. Unknown keys are ignored, a key given twice is refused.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false, MaxDepth = 32,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(OrganizationResponse))]
[JsonSerializable(typeof(OrganizationsPaginated))]
[JsonSerializable(typeof(UpdateOrganizationRequest))]
[JsonSerializable(typeof(CreateDeployRequest))]
[JsonSerializable(typeof(UpdateDeployRequest))]
[JsonSerializable(typeof(FinalizeDeployRequest))]
[JsonSerializable(typeof(DeployRollbackRequest))]
[JsonSerializable(typeof(DeployResponse))]
[JsonSerializable(typeof(DeploysPaginated))]
[JsonSerializable(typeof(CreateWorkspaceRequest))]
[JsonSerializable(typeof(UpdateWorkspaceRequest))]
[JsonSerializable(typeof(WorkspaceResponse))]
[JsonSerializable(typeof(WorkspacesPaginated))]
[JsonSerializable(typeof(CreateDeploymentRequest))]
[JsonSerializable(typeof(UpdateDeploymentRequest))]
[JsonSerializable(typeof(DeploymentResponse))]
[JsonSerializable(typeof(DeploymentsPaginated))]
[JsonSerializable(typeof(OverrideDeploymentHibernationRequest))]
[JsonSerializable(typeof(DeploymentHibernationOverride))]
[JsonSerializable(typeof(DeploymentOptionsResponse))]
[JsonSerializable(typeof(ClusterResponse))]
[JsonSerializable(typeof(ClustersPaginated))]
[JsonSerializable(typeof(IReadOnlyList<ClusterOptionsResponse>))]
[JsonSerializable(typeof(DeploymentLogResponse))]
[JsonSerializable(typeof(CreateApiTokenRequest))]
[JsonSerializable(typeof(CreateAgentTokenRequest))]
[JsonSerializable(typeof(ApiTokenResponse))]
[JsonSerializable(typeof(ApiTokensPaginated))]
public sealed partial class ApiJson : JsonSerializerContext;
