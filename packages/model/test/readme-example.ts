import { formatConfig, loadModel } from '@aep/model';

const text = `
<model>
  <env><broker>localhost</broker></env>
  <buses>
    <bus name="orders" descriptor="direct://\${broker}:\${BROKER_PORT::7400}">
      <channels>
        <channel name="new-orders"><key>NEWORDERS/\${Region}/\${Department}</key></channel>
      </channels>
    </bus>
  </buses>
  <apps>
    <app name="order-processor" mainClass="./dist/order-processor.js#OrderProcessor">
      <messaging>
        <buses>
          <bus name="orders">
            <channels><channel name="new-orders" join="true" filter="Region=US|Canada"/></channels>
          </bus>
        </buses>
      </messaging>
    </app>
  </apps>
  <xvms>
    <xvm name="main"><apps><app name="order-processor"/></apps></xvm>
  </xvms>
</model>`;

export const model = loadModel(
  { text, file: 'model.xml' },
  {
    environment: { BROKER_PORT: '7401' },
    overrides: { 'x.apps.order-processor.storage.durability': 'os' },
  },
);

export const port = model.buses[0]?.port; // 7401
export const durability = model.apps[0]?.storage.durability; // 'os'
export const alertAfterMs = model.apps[0]?.policies.stuckAlertThresholdMs; // 5000, a default
export const printed = formatConfig(model, { origin: true }); // every value, and where it came from
