using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Updraft.Server.OpenApi;

/// <summary>
/// Adds an example to each parameter in a path, each request body and each response with a body. A request body has an example of its own
/// below. Other examples follow from the schema: required fields, and the optional fields that have a value here.
/// </summary>
internal static class Examples
{
    private const string Id = "cm4k7w2vq0003l5f8d1x9a6bz", Time = "2026-01-12T18:32:20.589Z", Version = "2026-01-12T18:32:20.5898930Z",
        Url = "https://updraft.example.org", Digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private static readonly Dictionary<string, string> Bodies = new(StringComparer.Ordinal)
    {
        ["CreateAgentToken"] = """{"name": "production hosts"}""",
        ["CreateApiToken"] = $$"""{"name": "ci", "scope": "DEPLOYMENT", "entityId": "{{Id}}", "role": "DEPLOYMENT_ADMIN"}""",
        ["CreateBundle"] = """{"name": "reports", "isDagBundle": true, "description": "DAGs of the finance team"}""",
        ["CreateDeploy"] = """
            {"type": "DAG_ONLY", "description": "faster reports",
             "git": {"provider": "GENERIC", "remoteUrl": "https://git.example.org/dags.git", "commitSha": "0123456789abcdef"}}
            """,
        ["CreateDeployment"] = $$"""
            {"name": "production", "workspaceId": "{{Id}}", "type": "STANDARD", "executor": "CELERY", "isDagDeployEnabled": true,
             "isCicdEnforced": false}
            """,
        ["CreateWebhook"] = $$"""
            {"name": "chat", "workspaceId": "{{Id}}", "url": "https://hooks.example.org/updraft",
             "eventTypes": ["deploy.active", "deploy.failed"]}
            """,
        ["CreateWorkspace"] = """{"name": "finance", "description": "DAGs of the finance team"}""",
        ["DeployRollback"] = """{"description": "the reports were wrong"}""",
        ["FinalizeDeploy"] = $$"""{"dagTarballVersion": "{{Version}}"}""",
        ["RollbackBundle"] = $$"""{"version": "{{Version}}", "description": "the reports were wrong"}""",
        ["UpdateApiToken"] = """{"name": "ci", "description": "deploys from the pipeline"}""",
        ["UpdateApiTokenRoles"] = $$"""
            {"roles": [{"entityType": "DEPLOYMENT", "entityId": "{{Id}}", "role": "DEPLOYMENT_ADMIN"}]}
            """,
        ["UpdateBundle"] = """{"description": "DAGs of the finance team"}""",
        ["UpdateDeploy"] = """{"description": "faster reports, second attempt"}""",
        ["UpdateDeployment"] = $$"""
            {"name": "production", "workspaceId": "{{Id}}", "type": "STANDARD", "executor": "CELERY", "schedulerSize": "SMALL",
             "isHighAvailability": false, "isDagDeployEnabled": true, "isCicdEnforced": true, "environmentVariables": []}
            """,
        ["UpdateDeploymentHibernationOverride"] = """{"isHibernating": true, "overrideUntil": "2075-04-25T12:58:00Z"}""",
        ["UpdateOrganization"] = """{"name": "Example", "billingEmail": "billing@example.org", "isScimEnabled": false}""",
        ["UpdateUserRoles"] = $$"""
            {"organizationRole": "ORGANIZATION_MEMBER", "workspaceRoles": [{"workspaceId": "{{Id}}", "role": "WORKSPACE_AUTHOR"}]}
            """,
        ["UpdateUserStatus"] = """{"status": "INACTIVE"}""",
        ["UpdateWebhook"] = """{"name": "chat", "url": "https://hooks.example.org/updraft", "isEnabled": false}""",
        ["UpdateWorkspace"] = """{"name": "finance", "description": "DAGs of the finance team", "cicdEnforcedDefault": true}""",
    };

    // By SCHEMA.FIELD or FIELD. An entry with a schema also adds an optional field to the examples.
    private static readonly Dictionary<string, string> Values = new(StringComparer.Ordinal)
    {
        ["ApiToken.name"] = "ci",
        ["ApiToken.shortToken"] = "cm4k7w2v",
        ["Deploy.description"] = "faster reports",
        ["Deploy.dagsUploadUrl"] = $"{Url}/uploads/{Id}/{Id}/dags?se=2026-01-12T19%3A32%3A20Z&sp=cw&sr=b&sv=2024-11-04&sig={Digest}",
        ["Deploy.type"] = "DAG_ONLY",
        ["Deploy.status"] = "INITIALIZED",
        ["Deployment.name"] = "production",
        ["Deployment.dagTarballVersion"] = Version,
        ["Deployment.desiredDagTarballVersion"] = Version,
        ["Deployment.status"] = "HEALTHY",
        ["DeploymentHibernationOverride.isActive"] = "true",
        ["DeploymentHibernationOverride.isHibernating"] = "true",
        ["SubjectRoles.organizationRole"] = "ORGANIZATION_MEMBER",
        ["Error.message"] = "There is no deploy 'cm4k7w2vq0003l5f8d1x9a6bz'.",
        ["action"] = "get",
        ["airflowVersion"] = "3.0.2",
        ["change"] = "MODIFIED",
        ["deliveryId"] = Id,
        ["email"] = "ada@example.org",
        ["eventType"] = "deploy.active",
        ["fullName"] = "Ada Example",
        ["id"] = Id,
        ["imageRepository"] = $"updraft.example.org/{Id}/{Id}",
        ["imageTag"] = "deploy-2026-01-12T18-32-20",
        ["memory"] = "2Gi",
        ["message"] = "The field 'type' is required.",
        ["name"] = "finance",
        ["namespace"] = "production",
        ["path"] = "dags/shop.py",
        ["requestId"] = Id,
        ["role"] = "DEPLOYMENT_ADMIN",
        ["roleId"] = "WORKSPACE_AUTHOR",
        ["runtimeVersion"] = "3.0-4",
        ["astroRuntimeVersion"] = "3.0-4",
        ["scope"] = "deployment",
        ["sha256"] = Digest,
        ["shortToken"] = "cm4k7w2v",
        ["text"] = "import pendulum",
        ["url"] = "https://hooks.example.org/updraft",
        ["username"] = "ada@example.org",
        ["version"] = Version,
        ["workspaceName"] = "finance",
    };

    /// <summary>Adds the examples. Call it when all operations and schemas are complete.</summary>
    public static void AddTo(OpenApiDocument document)
    {
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations!.Values))
        {
            foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            {
                if (parameter.In == ParameterLocation.Path)
                    parameter.Example = JsonValue.Create(Text("", parameter.Name!));
            }
            foreach (var media in Media(operation.RequestBody?.Content))
                media.Example = Bodies.TryGetValue(operation.OperationId!, out var body) ? JsonNode.Parse(body) : Create(media.Schema!);
            foreach (var (status, response) in operation.Responses!)
            {
                foreach (var media in Media(response.Content))
                {
                    media.Example = Create(media.Schema!);
                    if (status[0] != '2' && media.Example is JsonObject error)
                        (error["statusCode"], error["message"]) = (int.Parse(status, CultureInfo.InvariantCulture), response.Description);
                }
            }
        }
    }

    private static IEnumerable<OpenApiMediaType> Media(IDictionary<string, OpenApiMediaType>? content) => content?.Values ?? [];

    private static JsonNode? Create(IOpenApiSchema schema, string owner = "", string field = "") => schema switch
    {
        OpenApiSchemaReference { Target: { } target } reference => Create(target, reference.Reference.Id ?? "", field),
        { Properties.Count: > 0 } => CreateObject(schema, owner),
        { Items: { } items } => Create(items, owner, field) is { } item ? new JsonArray(item) : new JsonArray(),
        { Enum: { Count: > 0 } values } => Values.TryGetValue($"{owner}.{field}", out var chosen) ? chosen : values[0].DeepClone(),
        { Format: "date-time" } => Time,
        { Type: JsonSchemaType.Boolean } => Values.GetValueOrDefault($"{owner}.{field}") == "true",
        { Type: JsonSchemaType.Integer } => long.Parse(schema.Minimum ?? "1", CultureInfo.InvariantCulture),
        { Type: JsonSchemaType.Object } => new JsonObject(),
        _ => Text(owner, field),
    };

    private static JsonObject CreateObject(IOpenApiSchema schema, string owner)
    {
        var example = new JsonObject();
        foreach (var (name, property) in schema.Properties!)
        {
            if (schema.Required?.Contains(name) == true || Values.ContainsKey($"{owner}.{name}"))
                example[name] = Create(property, owner, name);
        }
        return example;
    }

    private static string Text(string owner, string field)
    {
        if (Values.TryGetValue($"{owner}.{field}", out var value) || Values.TryGetValue(field, out value))
            return value;
        if (field.EndsWith("Id", StringComparison.Ordinal) || field.EndsWith("Ids", StringComparison.Ordinal))
            return Id;
        if (field.EndsWith("Url", StringComparison.Ordinal))
            return Url;
        return field.EndsWith("Version", StringComparison.Ordinal) ? Version : "text";
    }
}
