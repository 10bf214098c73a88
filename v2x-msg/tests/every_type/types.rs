//! The types of the message set by their Rust names, in the order of `asn/*.asn`, for what has to
//! be said of each. `the_list_of_types_is_whole` tells when it is not.

use serde_json::Value;
use v2x_msg::jer::{Jer, JerError};

use super::{Draw, Seen, asn, laws};

macro_rules! types {
    ($($name:ident)*) => {
        /// All names.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// The laws of each.
        pub fn each(draw: &mut Draw, seen: &mut Seen) {
            $(laws::<asn::$name>(stringify!($name), draw, seen);)*
        }

        /// What reading JSON as a type of that name says.
        pub fn from_jer(name: &str, jer: &Value) -> Result<(), JerError> {
            match name {
                $(stringify!($name) => asn::$name::from_jer(&jer.to_string()).map(drop),)*
                _ => panic!("no type {name}"),
            }
        }
    };
}

#[rustfmt::skip]
types! {
    BasicSafetyMessage AccelerationSet4Way Acceleration VerticalAcceleration YawRate Speed Heading
    CoarseHeading SteeringWheelAngle MotionConfidenceSet HeadingConfidence SpeedConfidence
    SteeringWheelAngleConfidence Latitude Longitude Elevation PositionConfidenceSet
    PositionConfidence ElevationConfidence Position3D SemiMajorAxisAccuracy SemiMinorAxisAccuracy
    SemiMajorAxisOrientation PositionalAccuracy PositionOffsetLLV OffsetLLB12 OffsetLLB14
    OffsetLLB16 OffsetLLB18 OffsetLLB22 OffsetLLB24 PositionLL24B PositionLL28B PositionLL32B
    PositionLL36B PositionLL44B PositionLL48B PositionLLmD64b PositionOffsetLL VerticalOffset
    VertOffsetB07 VertOffsetB08 VertOffsetB09 VertOffsetB10 VertOffsetB11 VertOffsetB12 DSecond
    DYear DMonth DDay DHour DMinute DTimeOffset DDateTime MinuteOfTheYear TimeMark TimeOffset
    TimeConfidence MapData NodeList Node DescriptiveName NodeReferenceID RoadRegulatorID NodeID
    LinkList Link MovementList Movement LaneList Lane LaneID LaneWidth ConnectsToList Connection
    ConnectingLane AllowedManeuvers LaneAttributes LaneSharing LaneTypeAttributes
    LaneAttributesVehicle LaneAttributesCrosswalk LaneAttributesBike LaneAttributesSidewalk
    LaneAttributesBarrier LaneAttributesStriping LaneAttributesTrackedVehicle
    LaneAttributesParking SpeedLimitList RegulatorySpeedLimit SpeedLimitType PointList RoadPoint
    LinkExList LinkEx MovementExList MovementEx Maneuver SectionList Section SectionId LaneExList
    LaneEx LaneLineType DottedSolidMarkingLineType LaneRefID ConnectsToExList ConnectionEx
    SignalWaitingLane ConnectingLaneEx STPointList STPoint STPointSAxis STPointTAxis
    ProhibitedZone MessageFrameExt ExtMsgID MessageFrame MsgCount PAMData ParkingLotInfo
    ParkingLotInfoBuildingLayerNum AVPType PAMNodeList PAMNode PAMNodeFloor PAMNodeID
    PAMNodeAttributes PAMDriveList PAMDrive PAMDriveHeightRestriction PAMDriveLaneNum
    PAMMovementList ParkingSlots ParkingSlot ParkingSlotPosition ParkingLock ParkingSpaceTheta
    SlotStatus ParkingType ParkingGuide PersonalSafetyMessage PersonalSafetyMessageOverallRadius
    NonmotorData PersonalDeviceUserType PropelledInformation HumanPropelledType
    AnimalPropelledType MotorizedPropelledType NumberOfParticipantsInCluster Attachment
    PersonalExtensions PersonalDeviceUsageState PersonalAssistive RoadWorkerExtensions
    RoadWorkerType RoadWorkerActivityType PersonalRequest PersonalCrossing CLPMM MemberManagement
    MemberManagementCapacity RoleInPlatooning StatusInPlatooning MemberList MemberNode
    RoadsideCoordination LaneCoordination VehicleCoordination CoordinationInfo DriveSuggestion
    RoadSideInformation RTEList RTEData EventSource EventType RSITimeDetails ReferencePathList
    ReferencePath RTSList RTSData Description ReferenceLinkList ReferenceLink ReferenceLanes
    SignType PathPointList Radius RSIPriority AuxiliarySign AuxiliarySignVehicleType
    AuxiliarySignDirection RoadsideSafetyMessage ParticipantList ParticipantData ParticipantType
    SourceType RTCMcorrections RTCMmsg RTCMID RTCMPayload RTCMRevision SensorSharingMsg
    DetectedRegion EquipmentType DetectedPTCList DetectedPTCData DetectedPTCDataTracking
    DetectedPTCDataTypeRelatedExt PlanningList Planning PlanningDuration AccSet4WayConfidence
    AccConfidence DetectedPTCType MotorDataExtension Polygon Attitude Pitch Roll Yaw
    AttitudeConfidence AngularVelocity PitchRate RollRate AngularVelocityConfidence
    AngularVConfidence NonmotorDataExtension NonmotorDataExtensionOverallRadius
    DetectedObstacleList DetectedObstacleData DetectedObstacleDataTracking ObstacleType ObjectSize
    SizeValue ObjectSizeConfidence SizeValueConfidence SPAT IntersectionStateList
    IntersectionState IntersectionStatusObject PhaseList Phase PhaseStateList PhaseState
    LightState TimeChangeDetails UTCTiming TimeCountingDown PhaseID TestMsg VehIntentionAndRequest
    IARData PathPlanning PathPlanningPoint DriveBehavior DriveRequest ReqInfo ReqStatus
    ReqLaneChange ReqClearTheWay ReqSignalPriority ReqSignalPriorityDistance2Intersection
    ReqSensorSharing ParkingRequest ReqParkingArea VehiclePaymentMessage
    VehiclePaymentMessagePayment RST PaymentList ApplicationParameter PaymentInfo PaymentEntityID
    PaymentInfoType1 TollingNodeInfo StationOrGantryId TollingNodeType TollingDirection TollInfo
    TollInfoPrice VSI VPApplicationList VPApplicationParameter OBUPaymentInfo OBUPaymentInfoType1
    EquipmentClass GBICCInfo OBUInfo OBUType OBUMotionStatus RandStr8 SysInfo VehicleInfo
    VehicleInfoVehicleWheels VehicleInfoVehicleAxles VehicleInfoVehicleWeightLimits
    VehicleDimensions TollingPos PassedPos PassedSitesInfo Date ActionRequest ActionResponse
    ReturnStatus TransInfo GetTollDataRq GetTollDataRs RangeOfFile RangeOfFileOffset
    RangeOfFileLength File PartOfFile PartOfFileOffset PartOfFileLength GetSecureRq GetSecureRs
    SetTollDataRq TransPara SetTollDataRs SetMMIRq TollResult AccountInfo TransCredential
    ChannelRq ChannelRs ChannelID ApduList BrakeSystemStatus BrakePedalStatus BrakeAppliedStatus
    BrakeBoostApplied TractionControlStatus AntiLockBrakeStatus StabilityControlStatus
    AuxiliaryBrakeStatus VehicleClassification BasicVehicleClass FuelType
    VehicleEmergencyExtensions ResponseType SirenInUse LightbarInUse VehicleSafetyExtensions
    PathHistory FullPositionVector GNSSstatus PathHistoryPointList PathHistoryPoint PathPrediction
    Confidence RadiusOfCurvature VehicleSize VehicleWidth VehicleLength VehicleHeight
    TransmissionState VehicleEventFlags ExteriorLights
}
