"""The texts of the GraphQL queries and mutations that dagster_api/client.py sends."""

LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } ... on PipelineNotFoundError { message }
  ... on InvalidSubsetError { message } } }"""
REEXECUTE = """mutation Again($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = """mutation Stop($runId: String!) { terminateRun(runId: $runId) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
RUN = """query Run($runId: ID!) { runOrError(runId: $runId) { __typename ... on Run {
  runId jobName status creationTime startTime endTime tags { key value } assetSelection { path }
  stepStats { stepKey status } } } }"""
RUNS = """query Runs($filter: RunsFilter, $limit: Int) { runsOrError(filter: $filter, limit: $limit) { __typename
  ... on Runs { results { runId jobName status creationTime startTime endTime
    tags { key value } assetSelection { path } } } } }"""
EVENTS = """query Events($runId: ID!, $cursor: String) { logsForRun(runId: $runId, afterCursor: $cursor) {
  __typename ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { message timestamp stepKey eventType }
    ... on ExecutionStepFailureEvent { error { message causes { message } } }
    ... on LogsCapturedEvent { fileKey } } } } }"""
LOGS = """query Logs($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"""
LOADED = """query Loaded($name: String!) { entry: workspaceLocationEntryOrError(name: $name) { __typename
  ... on PythonError { message } ... on WorkspaceLocationEntry { updatedTimestamp
    location: locationOrLoadError { __typename ... on PythonError { message } } } } }"""
WORKSPACE = """query Workspace { workspaceOrError { __typename ... on PythonError { message } ... on Workspace { locationEntries {
  name location: locationOrLoadError { __typename ... on PythonError { message causes { message } } } } } } }"""
RELOAD_WORKSPACE = "mutation Reload { reloadWorkspace { __typename ... on PythonError { message } } }"
RELOAD_LOCATION = """mutation Reload($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) {
  __typename ... on PythonError { message } } }"""
INSTIGATORS = """query Instigators($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) {
  ... on Repository { jobs { name metadataEntries { label ... on BoolMetadataEntry { boolValue } } }
    schedules { name scheduleState { status } }
    sensors { name sensorState { status } } assetNodes { assetKey { path } } } } }"""
FRESHNESS = """query Freshness($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  freshnessStatusInfo { freshnessStatus } } }"""
SENSOR_LOG = """query Log($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState {
  ticks(limit: 20) { logEvents { events { message } } } } } } }"""
